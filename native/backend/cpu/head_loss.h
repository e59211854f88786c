#pragma once

#include "backend/cpu/head_shape.h"

namespace thaw::cpu {
namespace {

/** e^x for x ≤ 0 (0 below −87), relative error below 2e-7: 2^n · polynomial of degree 6, |r| ≤ ln 2 / 2. */
Float exponential(Float x) {
  const Float bounded = Simd::max(Simd::set(-87.0f), x);
  const Float n = Simd::round(Simd::mul(bounded, Simd::set(1.44269504f)));
  Float r = Simd::fnma(n, Simd::set(0.693359375f), bounded);
  r = Simd::fnma(n, Simd::set(-2.12194440e-4f), r);
  Float p = Simd::set(1.0f / 720);
  p = Simd::fma(p, r, Simd::set(1.0f / 120));
  p = Simd::fma(p, r, Simd::set(1.0f / 24));
  p = Simd::fma(p, r, Simd::set(1.0f / 6));
  p = Simd::fma(p, r, Simd::set(0.5f));
  p = Simd::fma(p, r, Simd::set(1.0f));
  p = Simd::fma(p, r, Simd::set(1.0f));
  return Simd::scale(p, n);
}

/** ln(1 + x) for x in [0, 1] as 2 · artanh(x / (2 + x)), relative error below 2e-7. */
Float logOnePlus(Float x) {
  const Float s = Simd::div(x, Simd::add(x, Simd::set(2.0f)));
  const Float square = Simd::mul(s, s);
  Float p = Simd::set(1.0f / 15);
  for (int odd = 13; odd >= 3; odd -= 2) p = Simd::fma(p, square, Simd::set(1.0f / static_cast<float>(odd)));
  return Simd::mul(Simd::set(2.0f), Simd::fma(Simd::mul(s, square), p, s));
}

/** Binary cross-entropy with logits (engine/loss.h): writes the gradients [rows × outputs], returns the loss.
 */
double binaryCrossEntropy(const LossRequest& request) {
  const Float zero = Simd::set(0), one = Simd::set(1), scale = Simd::set(request.scale);
  const std::size_t count = request.rows * request.outputs, period = panelWidth * request.outputs;
  Float total = zero;
  for (std::size_t at = 0, phase = 0; at < count; at += Simd::width) {
    const Float z = Simd::load(request.logits + at), given = Simd::load(request.targets + at);
    const auto known = Simd::isNumber(given);
    const Float y = Simd::select(known, given, zero);
    const Float weight = request.labelWeights == nullptr ? one : Simd::load(request.labelWeights + phase);
    Float positive = Simd::mul(weight, y);
    if (request.positiveWeights != nullptr)
      positive = Simd::mul(positive, Simd::load(request.positiveWeights + phase));
    const Float negative = Simd::mul(weight, Simd::sub(one, y));
    const Float magnitude = Simd::max(Simd::sub(zero, z), z);
    const Float e = exponential(Simd::sub(zero, magnitude));
    const Float larger = Simd::div(one, Simd::add(one, e)), smaller = Simd::mul(e, larger);
    const auto isNegative = Simd::isNegative(z);
    const Float sigmoid = Simd::select(isNegative, smaller, larger);
    const Float opposite = Simd::select(isNegative, larger, smaller);
    const Float tail = logOnePlus(e);
    const Float softplus = Simd::add(tail, Simd::max(zero, z));
    const Float oppositeSoftplus = Simd::add(tail, Simd::max(zero, Simd::sub(zero, z)));
    const Float loss = Simd::fma(negative, softplus, Simd::mul(positive, oppositeSoftplus));
    const Float gradient = Simd::fnma(positive, opposite, Simd::mul(negative, sigmoid));
    total = Simd::add(total, Simd::select(known, loss, zero));
    Simd::store(request.gradients + at, Simd::select(known, Simd::mul(gradient, scale), zero));
    phase = phase + Simd::width == period ? 0 : phase + Simd::width;
  }
  float lanes[Simd::width];
  Simd::store(lanes, total);
  double sum = 0;
  for (const float lane : lanes) sum += static_cast<double>(lane);
  return sum * static_cast<double>(request.scale);
}

/** Softmax cross-entropy with class probabilities (engine/loss.h): writes the gradients, returns the loss. */
double softmaxCrossEntropy(const LossRequest& request) {
  const std::size_t outputs = request.outputs, count = request.rows * outputs;
  for (std::size_t first = 0; first < count; first += outputs) {
    float* z = request.logits + first;
    float most = z[0];
    for (std::size_t output = 1; output < outputs; output++) most = z[output] > most ? z[output] : most;
    for (std::size_t output = 0; output < outputs; output++) z[output] -= most;
  }
  for (std::size_t at = 0; at < count; at += Simd::width)
    Simd::store(request.gradients + at, exponential(Simd::load(request.logits + at)));
  double total = 0;
  for (std::size_t first = 0; first < count; first += outputs) {
    const float* z = request.logits + first;
    const float* y = request.targets + first;
    float* gradient = request.gradients + first;
    float sum = 0, mass = 0;
    for (std::size_t output = 0; output < outputs; output++) {
      sum += gradient[output];
      mass += y[output] * (request.labelWeights == nullptr ? 1.0f : request.labelWeights[output]);
    }
    const float logSum = __builtin_logf(sum);
    for (std::size_t output = 0; output < outputs; output++) {
      const float target =
          y[output] * (request.labelWeights == nullptr ? 1.0f : request.labelWeights[output]);
      total += static_cast<double>(target * (logSum - z[output]));
      gradient[output] = (gradient[output] / sum * mass - target) * request.scale;
    }
  }
  return total * static_cast<double>(request.scale);
}

double evaluateLoss(const LossRequest& request) {
  return request.loss == Loss::bce ? binaryCrossEntropy(request) : softmaxCrossEntropy(request);
}

}  // namespace
}  // namespace thaw::cpu
