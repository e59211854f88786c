#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "radiomics/filters.h"
#include "radiomics/levels.h"

namespace thaw::radiomics {

// What an image is turned into before its features are taken; a wavelet gives 3 · levels + 1 images, any
// other one.
struct OriginalImage {};
struct LogFilter {
  double sigma;
};
struct WaveletFilter {
  std::string wavelet;
  int levels;
};
struct GradientFilter {};
struct PatternFilter {
  int points;
  double radius;
  PatternMethod method;
};
using Filter =
    std::variant<OriginalImage, LogFilter, WaveletFilter, GradientFilter, PatternFilter, PointOperation>;

enum class MaskRule { none, given, bodyBox, lungBox };

/** Which families are taken; their features follow in this order, shape once and before all images. */
struct Families {
  bool shape = false;
  bool statistics = true;
  bool histogram = true;
  bool glcm = true;
  bool glrlm = true;
  bool glszm = true;
  bool gldzm = true;
  bool ngtdm = true;
  bool ngldm = true;

  bool anyTexture() const { return histogram || glcm || glrlm || glszm || gldzm || ngtdm || ngldm; }
};

struct ExtractionOptions {
  Families families;
  /** Of GLCM and GLRLM: averaged over directions, from the merged matrix, or one after the other. */
  bool averaged = true;
  bool merged = true;
  std::vector<int> glcmDistances = {1};
  int ngtdmDistance = 1;
  int ngldmDistance = 1;
  int ngldmCoarseness = 0;
  Discretisation discretisation;
  /** Of filtered images. */
  Discretisation filteredDiscretisation;
  /** Pixels beyond it belong to the shape but not to the grey values (IBSI's intensity mask). */
  std::optional<GreyRange> resegment;
  MaskRule mask = MaskRule::none;
  /** Value of a given mask that counts; 0 = every value but 0. */
  int maskLabel = 0;
  /** Millimetres to resample to. */
  std::optional<double> spacing;
  std::vector<Filter> filters = {OriginalImage{}};
  /** Leaves pixels that are not finite out, instead of refusing the image. */
  bool excludeNonFinite = false;
};

}  // namespace thaw::radiomics
