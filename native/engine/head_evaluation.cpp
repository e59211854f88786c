#include "engine/head_evaluation.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace thaw {
namespace {

constexpr float unknown = std::numeric_limits<float>::quiet_NaN();

std::size_t roundUp(std::size_t value, std::size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

void toLogProbabilities(std::span<float> logits, std::size_t outputs) {
  for (std::size_t first = 0; first < logits.size(); first += outputs) {
    const std::span<float> row = logits.subspan(first, outputs);
    const float most = *std::max_element(row.begin(), row.end());
    double sum = 0;
    for (const float z : row) sum += std::exp(static_cast<double>(z - most));
    const float norm = most + static_cast<float>(std::log(sum));
    for (float& z : row) z -= norm;
  }
}

}  // namespace

HeadScratch::HeadScratch(std::size_t panels, std::size_t outputs, std::size_t batch) {
  const std::size_t rows = roundUp(std::max(batch, evaluationRows), rowMultiple);
  const std::size_t numbers = roundUp(rows * outputs, panelWidth);
  // One vector more than the rows need: panels of a power of two would all fall on the same lines of the
  // first cache.
  panelStride = (rows + 1) * panelWidth;
  source.resize(rows);
  packed = AlignedBuffer<float>(panels * panelStride);
  targets = AlignedBuffer<float>(numbers);
  masks = AlignedBuffer<std::uint16_t>((rows + 7) / 8 * roundUp(panels, panelWidth) * 8);
  logits = AlignedBuffer<float>(numbers);
  gradients = AlignedBuffer<float>(numbers);
}

PackedRows packInto(HeadScratch& scratch, const HeadKernels& kernels, const MatrixView& features,
                    std::span<const std::uint32_t> rows, std::size_t panels, const Standardization* scaling) {
  for (std::size_t i = 0; i < rows.size(); i++) scratch.source[i] = features.row(rows[i]);
  const std::size_t padded = roundUp(rows.size(), rowMultiple);
  kernels.pack({scratch.source.data(), features.type, rows.size(), padded, features.columns, panels,
                scaling == nullptr ? nullptr : scaling->packedMean.data(),
                scaling == nullptr ? nullptr : scaling->packedInverse.data(), scratch.packed.data(),
                scratch.panelStride});
  return {scratch.packed.data(), rows.size(), padded, panels, scratch.panelStride};
}

std::size_t gatherTargets(HeadScratch& scratch, const std::vector<float>& targets, std::size_t outputs,
                          std::span<const std::uint32_t> rows) {
  float* out = scratch.targets.data();
  for (const std::uint32_t row : rows) out = std::copy_n(targets.data() + row * outputs, outputs, out);
  const std::size_t count = rows.size() * outputs;
  std::fill(out, scratch.targets.data() + roundUp(count, panelWidth), unknown);
  return static_cast<std::size_t>(
      std::count_if(scratch.targets.data(), out, [](float y) { return !std::isnan(y); }));
}

ValidationSet::ValidationSet(std::vector<std::uint32_t> chosen, const std::vector<float>& targets,
                             std::size_t outputs)
    : rows(std::move(chosen)), labels(outputs) {
  for (std::size_t position = 0; position < rows.size(); position++) {
    for (std::size_t output = 0; output < outputs; output++) {
      const float target = targets[rows[position] * outputs + output];
      if (std::isnan(target)) continue;
      known++;
      labels[output].positions.push_back(static_cast<std::uint32_t>(position));
      labels[output].positive.push_back(target >= 0.5f ? 1 : 0);
    }
  }
}

double macroAuroc(const ValidationSet& set, std::span<float> logits, std::size_t outputs, Loss loss,
                  HeadScratch& scratch) {
  if (loss == Loss::softmax) toLogProbabilities(logits, outputs);
  double total = 0;
  std::size_t defined = 0;
  for (std::size_t output = 0; output < outputs; output++) {
    const ValidationSet::Label& label = set.labels[output];
    const auto positives =
        static_cast<std::size_t>(std::count(label.positive.begin(), label.positive.end(), 1));
    if (positives == 0 || positives == label.positive.size()) continue;
    scratch.scores.resize(label.positions.size());
    for (std::size_t i = 0; i < label.positions.size(); i++)
      scratch.scores[i] = logits[label.positions[i] * outputs + output];
    total += auroc(scratch.scores, label.positive, scratch.auroc);
    defined++;
  }
  return defined == 0 ? std::numeric_limits<double>::quiet_NaN() : total / static_cast<double>(defined);
}

std::vector<EvaluationTask> evaluationTasks(std::size_t rows, std::size_t heads, std::size_t threads) {
  constexpr std::size_t tasksPerThread = 4;
  const std::size_t blocks = (rows + evaluationRows - 1) / evaluationRows;
  if (blocks == 0 || heads == 0) return {};
  const std::size_t parts = std::clamp<std::size_t>(threads * tasksPerThread / blocks, 1, heads);
  std::vector<EvaluationTask> tasks;
  for (std::size_t block = 0; block < blocks; block++) {
    const std::size_t firstRow = block * evaluationRows;
    for (std::size_t part = 0; part < parts; part++) {
      const std::size_t firstHead = heads * part / parts, end = heads * (part + 1) / parts;
      tasks.push_back({firstRow, std::min(evaluationRows, rows - firstRow), firstHead, end - firstHead});
    }
  }
  return tasks;
}

}  // namespace thaw
