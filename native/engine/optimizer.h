#pragma once

#include <cmath>
#include <cstdint>

#include "engine/head_kernels.h"

namespace thaw {

enum class OptimizerKind { sgd, adam, adamw };

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::adam;
  double momentum = 0.9;  ///< SGD's momentum or Adam's β1, unless a head has a table
  bool nesterov = false;
  double beta2 = 0.999;
  double epsilon = 1e-8;
};

/**
 * Constants of step t = 1, 2, … Formulas as in PyTorch's torch.optim (g = gradient, w = weight, η = rate, λ =
 * decay): SGD (Sutskever et al., ICML 2013):  g += λw;  v = μv + g;  w −= η · (nesterov ? g + μv : v) Adam
 * (Kingma & Ba, ICLR 2015):      g += λw;  m += (1 − β1)(g − m);  v += (1 − β2)(g² − v); w −= η / (1 − β1^t)
 * · m / (√v / √(1 − β2^t) + ε) AdamW (Loshchilov & Hutter, ICLR 2019): w *= 1 − ηλ, then as Adam without λ.
 * Adam's last line is computed as η' · m / (√v + ε') with η' = η√(1 − β2^t) / (1 − β1^t) and ε' = ε√(1 −
 * β2^t). When β1 changes from step to step, β1^t is the current β1 to the power of t, as PyTorch has it.
 * Biases are not decayed.
 */
inline UpdateConstants updateConstants(const OptimizerOptions& options, double rate, double momentum,
                                       double decay, std::uint64_t t) {
  UpdateConstants constants = {};
  constants.keep = 1;
  if (options.kind == OptimizerKind::adamw)
    constants.keep = static_cast<float>(1 - rate * decay);
  else
    constants.coupled = static_cast<float>(decay);
  if (options.kind == OptimizerKind::sgd) {
    constants.rule = options.nesterov ? UpdateRule::nesterov : UpdateRule::sgd;
    constants.rate = static_cast<float>(rate);
    constants.momentum = static_cast<float>(momentum);
    return constants;
  }
  const double steps = static_cast<double>(t);
  const double root = std::sqrt(1 - std::pow(options.beta2, steps));
  constants.rule = UpdateRule::adam;
  constants.rate = static_cast<float>(rate * root / (1 - std::pow(momentum, steps)));
  constants.first = static_cast<float>(1 - momentum);
  constants.second = static_cast<float>(1 - options.beta2);
  constants.epsilon = static_cast<float>(options.epsilon * root);
  return constants;
}

}  // namespace thaw
