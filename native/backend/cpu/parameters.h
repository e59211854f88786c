#pragma once

#include <memory>
#include <vector>

#include "backend/cpu/device.h"

namespace thaw::cpu {

/** How a parameter lies in memory: in the graph's order outside, with padding and in the kernels' order
 * inside. */
class ParameterCodec {
 public:
  virtual ~ParameterCodec() = default;
  /** Floats in memory. */
  virtual std::size_t size() const = 0;
  virtual void pack(std::span<const float> values, float* memory) const = 0;
  virtual void unpack(const float* memory, std::span<float> values) const = 0;
};

/** Numbers [outer, channels] with padded and, by a map, moved channels. */
class RowsCodec : public ParameterCodec {
 public:
  /** `rows` in memory may be more than `outer`; they are zero. */
  RowsCodec(std::size_t outer, std::size_t rows, const Place& place);
  std::size_t size() const override { return rows_ * columns_; }
  void pack(std::span<const float> values, float* memory) const override;
  void unpack(const float* memory, std::span<float> values) const override;

 private:
  std::size_t outer_;
  std::size_t rows_;
  std::size_t columns_;
  Place place_;
};

class CpuParameters : public ParameterStore {
 public:
  CpuParameters(const CheckedGraph& graph, Device& device,
                std::vector<std::unique_ptr<ParameterCodec>> codecs);

  void write(std::size_t parameter, std::span<const float> values) override;
  void read(std::size_t parameter, std::span<float> values) const override;
  void readGradient(std::size_t parameter, std::span<float> values) const override;
  void readMoment(std::size_t parameter, bool second, std::span<float> values) const override;
  void writeMoment(std::size_t parameter, bool second, std::span<const float> values) override;
  double gradientNormSquared(std::span<const std::size_t> parameters) const override;
  double valueNormSquared(std::span<const std::size_t> parameters) const override;
  void update(std::span<const ParameterUpdate> updates, float gradientScale) override;
  void startAverage(std::size_t parameter) override;
  bool hasAverage(std::size_t parameter) const override { return averaged_[parameter]; }
  void average(double share) override;
  void readAverage(std::size_t parameter, std::span<float> values) const override;
  void writeAverage(std::size_t parameter, std::span<const float> values) override;
  void dropAverages() override;
  void showAverages(bool shown) override;
  std::size_t bytes() const override;

  /** What kernels compute with: the average while averages are shown. Another place may hold it at another
   * time. */
  float* values(std::size_t parameter) {
    const bool average = averagesShown_ && averaged_[parameter];
    return (average ? averages_ : values_).data() + offsets_[parameter];
  }
  float* gradient(std::size_t parameter) {
    ensure(gradients_);
    return gradients_.data() + offsets_[parameter];
  }
  /** Grows with every change of what `values` points at. */
  std::uint64_t version(std::size_t parameter) const { return versions_[parameter]; }
  void touch(std::size_t parameter) { versions_[parameter]++; }
  const ParameterCodec& codec(std::size_t parameter) const { return *codecs_[parameter]; }

 private:
  /** Floats from an offset on, of one parameter: work for one thread. */
  struct Piece {
    std::size_t parameter;
    std::size_t offset;
    std::size_t count;
  };

  void addPieces(std::size_t parameter, std::vector<Piece>& pieces) const;
  float* moment(std::size_t parameter, bool second) const;
  double normSquared(const AlignedBuffer<float>& buffer, std::span<const std::size_t> parameters) const;
  void ensure(AlignedBuffer<float>& buffer) const;

  Device& device_;
  std::vector<std::unique_ptr<ParameterCodec>> codecs_;
  std::vector<std::size_t> offsets_;
  std::vector<std::uint64_t> versions_;
  std::size_t total_ = 0;
  AlignedBuffer<float> values_;
  // Made when first needed.
  AlignedBuffer<float> gradients_;
  mutable AlignedBuffer<float> first_;
  mutable AlignedBuffer<float> second_;
  AlignedBuffer<float> averages_;
  std::vector<bool> averaged_;        ///< parameters that have an average
  std::vector<Piece> averagePieces_;  ///< of these
  bool averagesShown_ = false;
};

}  // namespace thaw::cpu
