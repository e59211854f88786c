#include "addon/radiomics_options.h"

#include <cmath>

#include "engine/error.h"
#include "radiomics/wavelet.h"

namespace thaw::addon {
namespace {

using namespace radiomics;

/** Chebyshev distance of neighbours; neighbourhood sums of NGTDM hold up to 10. */
constexpr std::uint32_t farthest = 10;

double positive(const Argument& argument) {
  const double value = argument.number();
  if (value <= 0) throw EngineError(ErrorCode::engine, "expected a number above 0.", argument.name());
  return value;
}

std::optional<GreyRange> range(const Argument& argument) {
  if (!argument.isGiven()) return std::nullopt;
  const GreyRange found{argument.field("low").number(), argument.field("high").number()};
  if (!(found.low < found.high))
    throw EngineError(ErrorCode::engine, "expected low below high.", argument.name());
  return found;
}

Discretisation discretisation(const Argument& argument) {
  constexpr Binning binnings[] = {Binning::count, Binning::width, Binning::none};
  Discretisation result;
  result.binning = binnings[argument.field("binning").choice({"count", "width", "none"})];
  if (result.binning == Binning::count)
    result.count = static_cast<int>(argument.field("count").count(1, maxLevels));
  if (result.binning == Binning::width) result.width = positive(argument.field("width"));
  result.range = range(argument.field("range"));
  return result;
}

Filter filter(const Argument& argument) {
  switch (argument.field("kind").choice({"original", "log", "wavelet", "gradient", "lbp", "square",
                                         "squareroot", "logarithm", "exponential"})) {
    case 0:
      return OriginalImage{};
    case 1:
      return LogFilter{positive(argument.field("sigma"))};
    case 2: {
      const std::string name = argument.field("wavelet").text();
      if (scalingFilter(name) == nullptr)
        throw EngineError(ErrorCode::engine,
                          "expected haar, db2 … db8 or coif1 … coif3 but received '" + name + "'.",
                          argument.name() + ".wavelet");
      return WaveletFilter{name, static_cast<int>(argument.field("levels").count(1, 6))};
    }
    case 3:
      return GradientFilter{};
    case 4: {
      constexpr PatternMethod methods[] = {PatternMethod::plain, PatternMethod::rotationInvariant,
                                           PatternMethod::uniform};
      return PatternFilter{static_cast<int>(argument.field("points").count(2, 24)),
                           positive(argument.field("radius")),
                           methods[argument.field("method").choice({"default", "ror", "uniform"})]};
    }
    case 5:
      return PointOperation::square;
    case 6:
      return PointOperation::squareRoot;
    case 7:
      return PointOperation::logarithm;
    default:
      return PointOperation::exponential;
  }
}

Families families(const Argument& argument) {
  const auto taken = [&](const char* name) { return argument.field(name).flag(); };
  return {taken("shape"), taken("stat"), taken("ih"),  taken("cm"), taken("rlm"),
          taken("szm"),   taken("dzm"),  taken("ngt"), taken("ngl")};
}

ExtractionOptions extractionOptions(const Argument& argument) {
  constexpr MaskRule rules[] = {MaskRule::none, MaskRule::given, MaskRule::bodyBox, MaskRule::lungBox};
  ExtractionOptions options;
  options.families = families(argument.field("families"));
  options.averaged = argument.field("averaged").flag();
  options.merged = argument.field("merged").flag();
  options.glcmDistances.clear();
  for (const Argument& distance : argument.field("glcmDistances").list())
    options.glcmDistances.push_back(static_cast<int>(distance.count(1, farthest)));
  options.ngtdmDistance = static_cast<int>(argument.field("ngtdmDistance").count(1, farthest));
  options.ngldmDistance = static_cast<int>(argument.field("ngldmDistance").count(1, farthest));
  options.ngldmCoarseness = static_cast<int>(argument.field("ngldmCoarseness").count(0, maxLevels));
  options.discretisation = discretisation(argument.field("discretisation"));
  options.filteredDiscretisation = discretisation(argument.field("filteredDiscretisation"));
  options.resegment = range(argument.field("resegment"));
  options.mask = rules[argument.field("mask").choice({"none", "given", "body-box", "lung-box"})];
  options.maskLabel = static_cast<int>(argument.field("maskLabel").count(0, 255));
  if (const Argument spacing = argument.field("spacing"); spacing.isGiven())
    options.spacing = positive(spacing);
  options.filters.clear();
  for (const Argument& each : argument.field("filters").list()) options.filters.push_back(filter(each));
  options.excludeNonFinite = argument.field("excludeNonFinite").flag();
  return options;
}

template <typename T>
std::span<const T> elements(const Napi::TypedArray& array) {
  const auto* const bytes = static_cast<const std::uint8_t*>(array.ArrayBuffer().Data()) + array.ByteOffset();
  return {reinterpret_cast<const T*>(bytes), array.ElementLength()};
}

/** [slices × height × width] of any kind of pixel. */
decltype(ImageView::pixels) pixels(const Argument& argument, std::size_t length) {
  const Napi::Value value = argument.object();
  if (value.IsTypedArray() && value.As<Napi::TypedArray>().ElementLength() == length) {
    const auto array = value.As<Napi::TypedArray>();
    switch (array.TypedArrayType()) {
      case napi_uint8_array:
        return elements<std::uint8_t>(array);
      case napi_uint16_array:
        return elements<std::uint16_t>(array);
      case napi_int16_array:
        return elements<std::int16_t>(array);
      case napi_float32_array:
        return elements<float>(array);
      case napi_float64_array:
        return elements<double>(array);
      default:
        break;
    }
  }
  throw EngineError(
      ErrorCode::engine,
      "expected a Uint8Array, Uint16Array, Int16Array, Float32Array or Float64Array of length " +
          std::to_string(length) + ".",
      argument.name());
}

}  // namespace

std::variant<ExtractionOptions, Paper79Options> radiomicsOptions(const Argument& options) {
  if (options.field("kind").choice({"families", "paper79"}) == 0) return extractionOptions(options);
  return Paper79Options{range(options.field("range"))};
}

std::vector<ImageView> radiomicsImages(const Argument& images) {
  std::vector<ImageView> views;
  for (const Argument& image : images.list()) {
    ImageView& view = views.emplace_back();
    // Distances from the border are counted in 16 bits.
    view.extent = {static_cast<int>(image.field("width").count(1, 65000)),
                   static_cast<int>(image.field("height").count(1, 65000)),
                   static_cast<int>(image.field("slices").count(1, 65000))};
    view.pixels = pixels(image.field("pixels"), view.extent.size());
    if (const Argument mask = image.field("mask"); mask.isGiven()) {
      const auto bytes = mask.bytes();
      if (bytes.size() != view.extent.size())
        throw EngineError(ErrorCode::engine, "expected a mask of the image's size.", mask.name());
      view.mask = bytes.data();
    }
    view.spacing = {positive(image.field("spacingX")), positive(image.field("spacingY"))};
  }
  return views;
}

}  // namespace thaw::addon
