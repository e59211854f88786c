#pragma once

#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "engine/stop_signal.h"
#include "radiomics/feature.h"
#include "radiomics/options.h"

namespace thaw::radiomics {

/** Pixels as they come, borrowed: [slices, height, width], and a mask of the same size or null. */
struct ImageView {
  std::variant<std::span<const std::uint8_t>, std::span<const std::uint16_t>, std::span<const std::int16_t>,
               std::span<const float>, std::span<const double>>
      pixels;
  Extent extent;
  const std::uint8_t* mask = nullptr;
  Spacing spacing;
};

/** What kept features of an image from being taken; those are undefined. In the order of
 * `src/engine/addon.ts`. */
enum class Problem : std::uint8_t {
  none,
  emptyRegion,
  nonFinite,   ///< pixels of the region
  noField,     ///< no body or lung field was found
  notInteger,  ///< levels without binning
  levelBelowOne,
  tooManyLevels,
  memory,
};

/** Of one image. */
std::size_t featureCount(const ExtractionOptions& options);

/** Fills one row; `features` is of `featureCount`. */
Problem extract(const ImageView& image, const ExtractionOptions& options, std::span<Feature> features);

/** Grey values are taken to 0 … 255, rounded, where a range is given; else they have to be uint8. */
struct Paper79Options {
  std::optional<GreyRange> range;
};

Problem extractPaper79(const ImageView& image, const Paper79Options& options, std::span<Feature> features);

/** [images × features] and what was wrong with each image. */
struct FeatureTable {
  std::size_t columns = 0;
  std::vector<double> values;
  std::vector<std::uint8_t> standings;
  std::vector<std::uint8_t> problems;
};

/**
 * One image a thread at a time. `finished` (may be null) counts images as they are done. A row does not
 * depend on other rows or on `threads`. Throws ABORTED.
 */
FeatureTable extractAll(std::span<const ImageView> images,
                        const std::variant<ExtractionOptions, Paper79Options>& options, std::size_t threads,
                        StopSignal stop, std::int32_t* finished);

}  // namespace thaw::radiomics
