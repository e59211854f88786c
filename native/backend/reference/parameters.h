#pragma once

#include <vector>

#include "engine/backend.h"

namespace thaw::reference {

/** Parameters, gradients and moments in double precision, in the graph's order. */
class Parameters : public ParameterStore {
 public:
  explicit Parameters(const CheckedGraph& graph);

  void write(std::size_t parameter, std::span<const float> values) override;
  void read(std::size_t parameter, std::span<float> values) const override;
  void readGradient(std::size_t parameter, std::span<float> values) const override;
  void readMoment(std::size_t parameter, bool second, std::span<float> values) const override;
  void writeMoment(std::size_t parameter, bool second, std::span<const float> values) override;
  double gradientNormSquared(std::span<const std::size_t> parameters) const override;
  double valueNormSquared(std::span<const std::size_t> parameters) const override;
  void update(std::span<const ParameterUpdate> updates, float gradientScale) override;
  void startAverage(std::size_t parameter) override;
  bool hasAverage(std::size_t parameter) const override { return !averages_[parameter].empty(); }
  void average(double share) override;
  void readAverage(std::size_t parameter, std::span<float> values) const override;
  void writeAverage(std::size_t parameter, std::span<const float> values) override;
  void dropAverages() override;
  void showAverages(bool shown) override { averagesShown_ = shown; }
  std::size_t bytes() const override;

  /** The average while averages are shown. */
  double& at(std::size_t parameter, std::size_t index) {
    return (averagesShown_ && hasAverage(parameter) ? averages_ : values_)[parameter][index];
  }
  double& gradient(std::size_t parameter, std::size_t index) { return gradients_[parameter][index]; }
  std::size_t size(std::size_t parameter) const { return values_[parameter].size(); }

 private:
  using Numbers = std::vector<std::vector<double>>;

  Numbers values_;
  Numbers gradients_;
  Numbers first_;
  Numbers second_;
  Numbers averages_;  ///< empty where a parameter has none
  bool averagesShown_ = false;
};

}  // namespace thaw::reference
