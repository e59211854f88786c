#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/graph.h"
#include "engine/matrix_view.h"

namespace thaw {

/** Which samples make a batch, and what their random numbers are drawn for. */
struct BatchRequest {
  std::span<const std::uint32_t> rows;
  std::span<const std::uint32_t> occurrences;  ///< of each row within the epoch, where rows repeat; empty = 0
  std::uint32_t seed = 0;
  std::uint32_t epoch = 0;
  std::uint32_t step = 0;
  bool augment = false;  ///< else as in evaluation
};

/** Batches of a network's input. Called by one thread at a time, which need not be the same one. */
class BatchSource {
 public:
  virtual ~BatchSource() = default;

  virtual std::size_t rows() const = 0;
  virtual Extent extent() const = 0;
  /**
   * Fills `images` [n, C, H, W]. `targets` [n, outputs] come in as those of the rows and are changed where
   * images are mixed.
   */
  virtual void fill(const BatchRequest& request, std::span<float> images, std::span<float> targets) = 0;
};

/** Activations of a store, rows [C · H · W] of float32 or float16. */
class FeatureBatches : public BatchSource {
 public:
  /** `features` must outlive the source. Throws ENGINE where the columns are not those of the extent. */
  FeatureBatches(const MatrixView& features, const Extent& extent);

  std::size_t rows() const override { return features_.rows; }
  Extent extent() const override { return extent_; }
  void fill(const BatchRequest& request, std::span<float> images, std::span<float> targets) override;

 private:
  MatrixView features_;
  Extent extent_;
};

}  // namespace thaw
