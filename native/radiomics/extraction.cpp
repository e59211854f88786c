#include "radiomics/extraction.h"

#include <algorithm>
#include <cmath>
#include <new>

#include "engine/error.h"
#include "engine/thread_pool.h"
#include "radiomics/box.h"
#include "radiomics/first_order.h"
#include "radiomics/glcm.h"
#include "radiomics/glrlm.h"
#include "radiomics/ngldm.h"
#include "radiomics/ngtdm.h"
#include "radiomics/paper79.h"
#include "radiomics/region.h"
#include "radiomics/shape.h"
#include "radiomics/wavelet.h"
#include "radiomics/zone_matrices.h"

namespace thaw::radiomics {
namespace {

/** Writes a row from left to right. */
class Row {
 public:
  explicit Row(std::span<Feature> features) : features_(features) {}

  template <std::size_t N>
  void add(const Features<N>& features) {
    std::copy(features.begin(), features.end(), features_.begin() + next_);
    next_ += N;
  }

  void skip(std::size_t count) { next_ += count; }

 private:
  std::span<Feature> features_;
  std::ptrdiff_t next_ = 0;
};

int borderOf(const ExtractionOptions& options) {
  int border = 1;
  const auto reach = [&](bool taken, int distance) {
    if (taken) border = std::max(border, distance);
  };
  for (const int distance : options.glcmDistances) reach(options.families.glcm, distance);
  reach(options.families.ngtdm, options.ngtdmDistance);
  reach(options.families.ngldm, options.ngldmDistance);
  return border;
}

std::size_t textureCount(const ExtractionOptions& options) {
  const Families& families = options.families;
  const std::size_t aggregations = (options.averaged ? 1 : 0) + (options.merged ? 1 : 0);
  return (families.histogram ? histogramFeatures : 0) +
         (families.glcm ? aggregations * options.glcmDistances.size() * glcmFeatures : 0) +
         (families.glrlm ? aggregations * sizeFeatures : 0) + (families.glszm ? sizeFeatures : 0) +
         (families.gldzm ? sizeFeatures : 0) + (families.ngtdm ? ngtdmFeatures : 0) +
         (families.ngldm ? sizeFeaturesWithEnergy : 0);
}

std::size_t perImageCount(const ExtractionOptions& options) {
  return (options.families.statistics ? statisticsFeatures : 0) + textureCount(options);
}

std::size_t imageCount(const std::vector<Filter>& filters) {
  std::size_t count = 0;
  for (const Filter& filter : filters) {
    const auto* const wavelet = std::get_if<WaveletFilter>(&filter);
    count += wavelet == nullptr ? 1 : 3 * wavelet->levels + 1;
  }
  return count;
}

Features<shapeFeatures> shapeOf(const Region& region) {
  MeanFeatures<shapeFeatures> mean;
  const auto [width, height, slices] = region.image.extent;
  for (int slice = 0; slice < slices; slice++)
    mean.add(shape(region.shape.data() + region.image.extent.plane() * slice, width, height, region.spacing));
  return mean.mean();
}

/** Families whose slices are independent, and averaged. */
void addSliceFamilies(const LevelVolume& volume, const Region& region, const Mask& grey,
                      const ExtractionOptions& options, Row& row) {
  const Families& families = options.families;
  MeanFeatures<sizeFeatures> sizes, distances;
  MeanFeatures<ngtdmFeatures> differences;
  MeanFeatures<sizeFeaturesWithEnergy> dependences;
  const Extent& extent = region.image.extent;
  const Box box = boundingBox(grey, extent);
  for (std::size_t slice = 0; slice < volume.planes.size(); slice++) {
    const LevelPlane& plane = volume.planes[slice];
    if (plane.pixels() == 0) continue;
    if (families.glszm || families.gldzm) {
      std::optional<DistanceView> border;
      if (families.gldzm)
        border = {region.distances.data() + extent.plane() * slice +
                      static_cast<std::size_t>(box.top) * extent.width + box.left,
                  extent.width};
      const Zones zones = findZones(plane, border);
      if (families.glszm) sizes.add(glszm(plane, zones, volume));
      if (families.gldzm) distances.add(gldzm(plane, zones, volume));
    }
    if (families.ngtdm) differences.add(ngtdm(plane, volume, options.ngtdmDistance));
    if (families.ngldm) dependences.add(ngldm(plane, volume, options.ngldmDistance, options.ngldmCoarseness));
  }
  if (families.glszm) row.add(sizes.mean());
  if (families.gldzm) row.add(distances.mean());
  if (families.ngtdm) row.add(differences.mean());
  if (families.ngldm) row.add(dependences.mean());
}

Problem problemOf(LevelFault fault) {
  switch (fault) {
    case LevelFault::none:
      return Problem::none;
    case LevelFault::empty:
      return Problem::emptyRegion;
    case LevelFault::notInteger:
      return Problem::notInteger;
    case LevelFault::belowOne:
      return Problem::levelBelowOne;
    case LevelFault::tooMany:
      break;
  }
  return Problem::tooManyLevels;
}

Problem addTextures(const Volume& image, const Region& region, const Mask& grey,
                    const Discretisation& discretisation, const ExtractionOptions& options, Row& row) {
  const Families& families = options.families;
  if (!families.anyTexture()) return Problem::none;
  const Discretised discretised = discretise(image, grey, discretisation, borderOf(options));
  if (discretised.fault != LevelFault::none) {
    row.skip(textureCount(options));
    return problemOf(discretised.fault);
  }
  const LevelVolume& volume = discretised.volume;
  if (families.histogram) row.add(histogram(volume));
  if (families.glcm)
    for (const int distance : options.glcmDistances) {
      const GlcmResult result = glcm(volume, distance);
      if (options.averaged) row.add(result.averaged);
      if (options.merged) row.add(result.merged);
    }
  if (families.glrlm) {
    const GlrlmResult result = glrlm(volume);
    if (options.averaged) row.add(result.averaged);
    if (options.merged) row.add(result.merged);
  }
  addSliceFamilies(volume, region, grey, options, row);
  return Problem::none;
}

Problem addImage(const Volume& image, const Region& region, const Discretisation& discretisation,
                 const ExtractionOptions& options, Row& row) {
  // Filters spread a pixel that is not finite to its neighbours.
  Mask grey = region.grey;
  if (dropNonFinite(image, grey) && !options.excludeNonFinite) {
    row.skip(perImageCount(options));
    return Problem::nonFinite;
  }
  if (options.families.statistics) {
    std::vector<double> values;
    values.reserve(grey.size());
    for (std::size_t i = 0; i < grey.size(); i++)
      if (grey[i] != 0) values.push_back(image.values[i]);
    row.add(statistics(values));
  }
  return addTextures(image, region, grey, discretisation, options, row);
}

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};

Problem addFiltered(const Region& region, const Filter& filter, const ExtractionOptions& options, Row& row) {
  const auto add = [&](const Volume& image) {
    return addImage(image, region, options.filteredDiscretisation, options, row);
  };
  return std::visit(
      Overloaded{[&](const OriginalImage&) {
                   return addImage(region.image, region, options.discretisation, options, row);
                 },
                 [&](const LogFilter& log) {
                   return add(laplacianOfGaussian(region.image, log.sigma, region.spacing));
                 },
                 [&](const WaveletFilter& wavelet) {
                   Problem problem = Problem::none;
                   for (const Subband& subband :
                        stationaryWavelet(region.image, *scalingFilter(wavelet.wavelet), wavelet.levels))
                     problem = std::max(problem, add(subband.image));
                   return problem;
                 },
                 [&](const GradientFilter&) { return add(gradientMagnitude(region.image, region.spacing)); },
                 [&](const PatternFilter& pattern) {
                   return add(
                       localBinaryPattern(region.image, pattern.points, pattern.radius, pattern.method));
                 },
                 [&](const PointOperation& operation) { return add(applied(region.image, operation)); }},
      filter);
}

/** Rounded to 256 grey levels; empty where a pixel is not finite. */
std::vector<std::uint8_t> bytesOf(const ImageView& image, GreyRange range) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(image.extent.size());
  const bool finite = std::visit(
      [&](const auto& pixels) {
        for (const double value : pixels) {
          if (!std::isfinite(value)) return false;
          const double share = std::clamp((value - range.low) / (range.high - range.low), 0.0, 1.0);
          bytes.push_back(static_cast<std::uint8_t>(std::lround(share * 255)));
        }
        return true;
      },
      image.pixels);
  return finite ? bytes : std::vector<std::uint8_t>{};
}

}  // namespace

std::size_t featureCount(const ExtractionOptions& options) {
  return (options.families.shape ? shapeFeatures : 0) + imageCount(options.filters) * perImageCount(options);
}

Problem extract(const ImageView& image, const ExtractionOptions& options, std::span<Feature> features) {
  std::fill(features.begin(), features.end(), Feature{});
  const Region region = regionOf(image, options);
  if (region.problem != Problem::none) return region.problem;
  Row row(features);
  if (options.families.shape) row.add(shapeOf(region));
  Problem problem = Problem::none;
  for (const Filter& filter : options.filters)
    problem = std::max(problem, addFiltered(region, filter, options, row));
  return problem;
}

Problem extractPaper79(const ImageView& image, const Paper79Options& options, std::span<Feature> features) {
  std::fill(features.begin(), features.end(), Feature{});
  std::vector<std::uint8_t> scaled;
  std::span<const std::uint8_t> pixels;
  if (options.range) {
    scaled = bytesOf(image, *options.range);
    if (scaled.empty()) return Problem::nonFinite;
    pixels = scaled;
  } else if (const auto* const bytes = std::get_if<std::span<const std::uint8_t>>(&image.pixels)) {
    pixels = *bytes;
  } else {
    throw EngineError(ErrorCode::engine, "expected 8-bit pixels, or a range to take them from.", "images");
  }
  const auto result = paper79(pixels, image.extent.width, image.extent.height);
  std::copy(result.begin(), result.end(), features.begin());
  return Problem::none;
}

FeatureTable extractAll(std::span<const ImageView> images,
                        const std::variant<ExtractionOptions, Paper79Options>& options, std::size_t threads,
                        StopSignal stop, std::int32_t* finished) {
  const auto* const extraction = std::get_if<ExtractionOptions>(&options);
  FeatureTable table;
  table.columns = extraction == nullptr ? paper79Features : featureCount(*extraction);
  table.values.resize(images.size() * table.columns);
  table.standings.resize(table.values.size());
  table.problems.resize(images.size());
  ThreadPool pool(std::min(threads, std::max<std::size_t>(1, images.size())));
  pool.forEach(images.size(), [&](std::size_t image, std::size_t) {
    if (stop.raised()) throw EngineError(ErrorCode::aborted, "stopped before the end.");
    std::vector<Feature> row(table.columns);
    Problem problem;
    try {
      problem = extraction == nullptr ? extractPaper79(images[image], std::get<Paper79Options>(options), row)
                                      : extract(images[image], *extraction, row);
    } catch (const std::bad_alloc&) {
      std::fill(row.begin(), row.end(), Feature{});
      problem = Problem::memory;
    }
    for (std::size_t column = 0; column < row.size(); column++) {
      table.values[image * table.columns + column] = row[column].value;
      table.standings[image * table.columns + column] = static_cast<std::uint8_t>(row[column].standing);
    }
    table.problems[image] = static_cast<std::uint8_t>(problem);
    if (finished != nullptr) __atomic_fetch_add(finished, 1, __ATOMIC_RELAXED);
  });
  return table;
}

}  // namespace thaw::radiomics
