#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "engine/half.h"
#include "engine/head_bank.h"
#include "engine/random.h"

namespace thaw::test {

/** A small bank on random data that a linear layer can partly fit; change the fields, then call `options()`.
 */
struct Scenario {
  std::size_t rows = 60, features = 37, outputs = 3, batch = 16, rowsPerEpoch = 40, epochs = 2, heads = 1,
              threads = 1;
  ElementType type = ElementType::float32;
  Loss loss = Loss::bce;
  OptimizerOptions optimizer = {OptimizerKind::adam, 0.9, false, 0.99, 1e-4};
  double dropout = 0, weightDecay = 0, learningRate = 0.02, averageDecay = 0;
  bool standardize = false, unknownTargets = false, weighted = false, varying = false;
  Selection select = Selection::loss;

  /** Features [rows × features] of the wanted type; they must outlive the bank. */
  std::vector<float> floats;
  std::vector<std::uint16_t> halves;
  std::vector<std::uint8_t> bytes;

  HeadBankOptions options() {
    HeadBankOptions result;
    fillFeatures();
    const void* data = type == ElementType::float32   ? static_cast<const void*>(floats.data())
                       : type == ElementType::float16 ? static_cast<const void*>(halves.data())
                                                      : static_cast<const void*>(bytes.data());
    result.features = {data, rows, features, type};
    result.outputs = outputs;
    result.targets = targets();
    result.loss = loss;
    result.batch = batch;
    result.optimizer = optimizer;
    result.select = select;
    result.threads = threads;
    result.groups = {group(0), group(1)};
    for (std::size_t head = 0; head < heads; head++) result.heads.push_back(headOptions(head));
    return result;
  }

  HeadOptions headOptions(std::size_t head) const {
    const std::size_t steps = epochs * ((rowsPerEpoch + batch - 1) / batch);
    std::vector<float> rates(steps), momenta(steps);
    for (std::size_t step = 0; step < steps; step++) {
      const float part = static_cast<float>(step) / static_cast<float>(steps);
      rates[step] = static_cast<float>(learningRate) * (varying ? 1.0f - 0.5f * part : 1.0f);
      momenta[step] = 0.95f - 0.1f * part;
    }
    HeadOptions options;
    options.group = head % 2;
    options.seed = static_cast<std::uint32_t>(head);
    options.dropout = dropout;
    options.weightDecay = weightDecay;
    options.averageDecay = averageDecay;
    options.learningRates = std::make_shared<const std::vector<float>>(rates);
    if (varying) options.momenta = std::make_shared<const std::vector<float>>(momenta);
    for (std::size_t c = 0; weighted && c < outputs; c++) {
      options.labelWeights.push_back(0.5f + 0.25f * static_cast<float>(c));
      if (loss == Loss::bce) options.positiveWeights.push_back(2.0f - 0.1f * static_cast<float>(c));
    }
    return options;
  }

 private:
  void fillFeatures() {
    RandomStream random(11, 1);
    const std::size_t count = rows * features;
    floats.resize(count);
    halves.resize(count);
    bytes.resize(count);
    for (std::size_t i = 0; i < count; i++) {
      const double offset = static_cast<double>(i % features % 5);
      const double value = i % features == 3 ? 0.7 : 2 * random.uniform() - 1 + (standardize ? offset : 0);
      floats[i] = static_cast<float>(value);
      halves[i] = floatToHalf(floats[i]);
      bytes[i] = static_cast<std::uint8_t>(std::abs(value) * 3);
    }
  }

  std::vector<float> targets() const {
    RandomStream random(12, 1);
    std::vector<float> result(rows * outputs);
    for (std::size_t row = 0; row < rows; row++) {
      float sum = 0;
      for (std::size_t c = 0; c < outputs; c++) {
        float& target = result[row * outputs + c];
        target = loss == Loss::softmax            ? static_cast<float>(random.uniform())
                 : floats[row * features + c] > 0 ? 1.0f
                                                  : 0.0f;
        sum += target;
        if (unknownTargets && random.uniform() < 0.3) target = std::numeric_limits<float>::quiet_NaN();
      }
      for (std::size_t c = 0; loss == Loss::softmax && c < outputs; c++) result[row * outputs + c] /= sum;
    }
    return result;
  }

  SampleGroup group(std::uint32_t index) const {
    SampleGroup group;
    for (std::size_t epoch = 0; epoch < epochs; epoch++)
      for (std::size_t i = 0; i < rowsPerEpoch; i++)
        group.order.push_back(static_cast<std::uint32_t>((i * 7 + epoch * 3 + index) % rowsPerEpoch));
    group.rowsPerEpoch = rowsPerEpoch;
    for (std::size_t row = rowsPerEpoch; row < rows; row++)
      group.validationRows.push_back(static_cast<std::uint32_t>(row));
    group.standardize = standardize;
    return group;
  }
};

}  // namespace thaw::test
