#pragma once

#include <algorithm>
#include <cmath>
#include <span>

namespace thaw {

/** ln(1 + e^z), without overflow. */
inline double softplus(double z) {
  return std::log1p(std::exp(-std::abs(z))) + std::max(z, 0.0);
}

inline double sigmoid(double z) {
  const double e = std::exp(-std::abs(z));
  return (z < 0 ? e : 1.0) / (1.0 + e);
}

struct LossTerm {
  double loss;
  double gradient;  ///< by the logit
};

/**
 * Binary cross-entropy with logits of one known target y in [0, 1], as PyTorch's BCEWithLogitsLoss with
 * `weight` w and `pos_weight` p: loss = w · ((1 − y) · softplus(z) + p · y · softplus(−z)),  d loss / dz = w
 * · ((1 − y) · σ(z) − p · y · σ(−z)). The loss of a batch is the mean over its known targets (their number,
 * not the sum of their weights, divides).
 */
inline LossTerm binaryCrossEntropyTerm(double z, double y, double weight, double positiveWeight) {
  return {weight * ((1 - y) * softplus(z) + positiveWeight * y * softplus(-z)),
          weight * ((1 - y) * sigmoid(z) - positiveWeight * y * sigmoid(-z))};
}

/**
 * Softmax cross-entropy of one row with class probabilities y and class weights w (empty = 1), as PyTorch's
 * CrossEntropyLoss with probabilities as target:
 *   loss = −Σ_c w_c · y_c · ln p_c,  d loss / dz_c = p_c · Σ_k w_k · y_k − w_c · y_c,  p = softmax(z).
 * The loss of a batch is the sum over its rows divided by their number (with probabilities as target
 * PyTorch's `mean` does not divide by the weights). Writes the gradients, returns the loss.
 */
inline double softmaxCrossEntropyRow(std::span<const double> z, std::span<const double> y,
                                     std::span<const double> weight, std::span<double> gradient) {
  const double most = *std::max_element(z.begin(), z.end());
  double sum = 0, mass = 0, loss = 0;
  for (std::size_t c = 0; c < z.size(); c++) {
    sum += std::exp(z[c] - most);
    mass += y[c] * (weight.empty() ? 1.0 : weight[c]);
  }
  for (std::size_t c = 0; c < z.size(); c++) {
    const double target = y[c] * (weight.empty() ? 1.0 : weight[c]);
    if (target != 0) loss += target * (most + std::log(sum) - z[c]);
    gradient[c] = std::exp(z[c] - most) / sum * mass - target;
  }
  return loss;
}

}  // namespace thaw
