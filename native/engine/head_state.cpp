#include "engine/head_state.h"

#include <algorithm>
#include <cmath>

#include "engine/random.h"

namespace thaw {
namespace {

std::size_t roundUp(std::size_t value, std::size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace

HeadLayout::HeadLayout(std::size_t features, std::size_t outputs, OptimizerKind optimizer, bool averaged)
    : features(features),
      outputs(outputs),
      panels(roundUp((features + panelWidth - 1) / panelWidth, panelMultiple)),
      weightSize(panels * outputs * panelWidth),
      biasSize(roundUp(outputs, panelWidth)),
      moments(optimizer == OptimizerKind::sgd ? 1 : 2),
      averages(averaged ? 1 : 0) {}

HeadTensors HeadLayout::tensors(float* slice) const {
  float* first = slice + parameters();
  float* second = moments == 2 ? first + parameters() : nullptr;
  return {slice,
          first,
          second,
          slice + weightSize,
          first + weightSize,
          second == nullptr ? nullptr : second + weightSize};
}

void HeadStates::initialize(std::size_t head, std::uint32_t seed) {
  RandomStream random(seed, initialWeightsStream);
  const double bound = 1 / std::sqrt(static_cast<double>(layout.features));
  const auto draw = [&] { return static_cast<float>((2 * random.uniform() - 1) * bound); };
  const HeadTensors tensors = layout.tensors(slice(head));
  for (std::size_t output = 0; output < layout.outputs; output++)
    for (std::size_t feature = 0; feature < layout.features; feature++)
      tensors.weight[layout.at(output, feature)] = draw();
  for (std::size_t output = 0; output < layout.outputs; output++) tensors.bias[output] = draw();
  if (isAveraged(head)) std::copy_n(slice(head), layout.parameters(), average(head));
}

const float* HeadStates::evaluated(std::size_t head) const {
  return isAveraged(head) ? slice(head) + layout.average() : slice(head);
}

void HeadStates::keepAsBest(std::size_t head) {
  std::copy_n(evaluated(head), layout.parameters(), slice(head) + layout.best());
}

const float* HeadStates::chosen(std::size_t head, bool best) const {
  return best && records[head].bestEpoch >= 0 ? slice(head) + layout.best() : evaluated(head);
}

LinearWeights HeadStates::linear(std::size_t head, bool best, const Standardization* scaling) const {
  const float* source = chosen(head, best);
  LinearWeights result{std::vector<float>(layout.outputs * layout.features),
                       std::vector<float>(layout.outputs)};
  for (std::size_t output = 0; output < layout.outputs; output++) {
    double bias = static_cast<double>(source[layout.weightSize + output]);
    for (std::size_t feature = 0; feature < layout.features; feature++) {
      double weight = static_cast<double>(source[layout.at(output, feature)]);
      if (scaling != nullptr) {
        weight /= scaling->deviation[feature];
        bias -= weight * scaling->mean[feature];
      }
      result.weight[output * layout.features + feature] = static_cast<float>(weight);
    }
    result.bias[output] = static_cast<float>(bias);
  }
  return result;
}

void HeadStates::load(std::size_t head, std::span<const float> weight, std::span<const float> bias,
                      const Standardization* scaling) {
  float* target = slice(head);
  std::fill_n(target, layout.parameters() * (1 + layout.moments), 0.0f);
  for (std::size_t output = 0; output < layout.outputs; output++) {
    double constant = static_cast<double>(bias[output]);
    for (std::size_t feature = 0; feature < layout.features; feature++) {
      double value = static_cast<double>(weight[output * layout.features + feature]);
      if (scaling != nullptr) {
        constant += value * scaling->mean[feature];
        value *= scaling->deviation[feature];
      }
      target[layout.at(output, feature)] = static_cast<float>(value);
    }
    target[layout.weightSize + output] = static_cast<float>(constant);
  }
  if (isAveraged(head)) std::copy_n(target, layout.parameters(), average(head));
  records[head].optimizerSteps = 0;
}

}  // namespace thaw
