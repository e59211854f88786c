#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace thaw::regression {

/**
 * Area under the ROC curve of scores in double precision, ties counting one half, as `thaw::auroc` of floats.
 * NaN where a class is missing; scores must be finite.
 */
double auroc(std::span<const double> scores, std::span<const std::uint8_t> positive);

}  // namespace thaw::regression
