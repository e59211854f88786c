#pragma once

#include <span>
#include <vector>

namespace thaw::radiomics {

/** Percentiles of finite values by linear interpolation between order statistics, at rank p (n − 1) (NumPy's
 * default, type 7 of Hyndman & Fan, Am Stat 1996;50:361), for all `shares` in [0, 1] at once and in linear
 * time. */
std::vector<double> percentiles(std::span<const double> values, std::span<const double> shares);

}  // namespace thaw::radiomics
