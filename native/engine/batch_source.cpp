#include "engine/batch_source.h"

#include <algorithm>
#include <string>

#include "engine/error.h"
#include "engine/half.h"

namespace thaw {

FeatureBatches::FeatureBatches(const MatrixView& features, const Extent& extent)
    : features_(features), extent_(extent) {
  if (features.columns != extent.size())
    throw EngineError(ErrorCode::engine,
                      "expected " + std::to_string(extent.size()) + " columns for features but received " +
                          std::to_string(features.columns) + ".",
                      "features");
  if (features.type == ElementType::uint8)
    throw EngineError(ErrorCode::engine, "expected float32 or float16 for features but received uint8.",
                      "features");
}

void FeatureBatches::fill(const BatchRequest& request, std::span<float> images, std::span<float>) {
  const std::size_t columns = features_.columns;
  for (std::size_t index = 0; index < request.rows.size(); index++) {
    float* out = images.data() + index * columns;
    const void* row = features_.row(request.rows[index]);
    if (features_.type == ElementType::float32) {
      std::copy_n(static_cast<const float*>(row), columns, out);
    } else {
      const auto* halves = static_cast<const std::uint16_t*>(row);
      for (std::size_t column = 0; column < columns; column++) out[column] = halfToFloat(halves[column]);
    }
  }
}

}  // namespace thaw
