#include "addon/network_options.h"

#include "engine/error.h"
#include "image/image_batches.h"

namespace thaw::addon {
namespace {

std::vector<std::size_t> counts(const Argument& list, std::size_t length, std::uint32_t least) {
  std::vector<std::size_t> numbers;
  for (const Argument& item : list.list()) numbers.push_back(item.count(least));
  if (length != 0 && numbers.size() != length)
    throw EngineError(ErrorCode::engine,
                      "expected " + std::to_string(length) + " numbers for " + list.name() +
                          " but received " + std::to_string(numbers.size()) + ".",
                      list.name());
  return numbers;
}

std::array<std::size_t, 2> pair(const Argument& list, std::uint32_t least) {
  const auto numbers = counts(list, 2, least);
  return {numbers[0], numbers[1]};
}

std::optional<std::string> optionalText(const Argument& argument) {
  return argument.isGiven() ? std::optional(argument.text()) : std::nullopt;
}

Window window(const Argument& node, const std::array<std::size_t, 2>& kernel) {
  Window result;
  result.kernel = kernel;
  result.stride = pair(node.field("stride"), 1);
  const auto padding = counts(node.field("padding"), 4, 0);
  result.padding = {padding[0], padding[1], padding[2], padding[3]};
  if (const Argument dilation = node.field("dilation"); dilation.isGiven())
    result.dilation = pair(dilation, 1);
  if (const Argument ceil = node.field("ceilMode"); ceil.isGiven()) result.ceilMode = ceil.flag();
  return result;
}

/** Kernel of a convolution: the last two lengths of its weight. */
std::array<std::size_t, 2> kernelOf(const std::string& weight, const std::vector<Parameter>& parameters) {
  for (const Parameter& parameter : parameters)
    if (parameter.name == weight && parameter.shape.size() == 4)
      return {parameter.shape[2], parameter.shape[3]};
  return {1, 1};  // which the check of the graph refuses, with the node
}

Op op(const Argument& node, const std::vector<Parameter>& parameters) {
  const std::string name = node.field("op").text();
  if (name == "conv2d") {
    const std::string weight = node.field("weight").text();
    return Conv2d{window(node, kernelOf(weight, parameters)), node.field("groups").count(1), weight,
                  optionalText(node.field("bias"))};
  }
  if (name == "batch-norm")
    return BatchNorm{node.field("scale").text(),     node.field("bias").text(),
                     node.field("mean").text(),      node.field("variance").text(),
                     node.field("epsilon").number(), node.field("momentum").number()};
  if (name == "max-pool") return MaxPool{window(node, pair(node.field("kernel"), 1))};
  if (name == "average-pool")
    return AveragePool{window(node, pair(node.field("kernel"), 1)),
                       node.field("countIncludesPadding").flag()};
  if (name == "global-average-pool") return GlobalAveragePool{};
  if (name == "relu") return Relu{};
  if (name == "sigmoid") return Sigmoid{};
  if (name == "clip") return Clip{node.field("minimum").number(), node.field("maximum").number()};
  if (name == "add") return Add{};
  if (name == "concat") return Concat{};
  if (name == "linear") return Linear{node.field("weight").text(), optionalText(node.field("bias"))};
  if (name == "dropout") return Dropout{node.field("rate").number()};
  if (name == "flatten") return Flatten{};
  if (name == "identity") return Identity{};
  throw EngineError(ErrorCode::engine, "the engine does not know the operator \"" + name + "\".",
                    node.field("name").text());
}

AugmentOptions augmentOptions(const Argument& augment) {
  AugmentOptions options;
  options.resize = augment.field("resize").count(0, longestSide);
  options.size = augment.field("size").count(0, longestSide);
  constexpr Crop crops[] = {Crop::none, Crop::center, Crop::random};
  options.crop = crops[augment.field("crop").choice({"none", "center", "random"})];
  options.pad = augment.field("pad").count(0, longestSide);
  options.flip = augment.field("flip").number();
  options.verticalFlip = augment.field("verticalFlip").number();
  options.rotation = augment.field("rotation").number();
  options.brightness = augment.field("brightness").number();
  options.contrast = augment.field("contrast").number();
  options.mixup = augment.field("mixup").number();
  return options;
}

std::vector<float> copyOf(const Argument& argument) {
  if (!argument.isGiven()) return {};
  const auto values = argument.floats();
  return {values.begin(), values.end()};
}

}  // namespace

Graph networkGraph(const Argument& given) {
  Graph result;
  result.input = given.field("input").text();
  result.output = given.field("output").text();
  const auto shape = counts(given.field("inputShape"), 0, 1);
  if (shape.size() != 1 && shape.size() != 3)
    throw EngineError(ErrorCode::engine, "expected [C, H, W] or [F] for the input's shape.",
                      given.name() + ".inputShape");
  result.inputExtent =
      shape.size() == 1 ? Extent{shape[0], 1, 1, true} : Extent{shape[0], shape[1], shape[2], false};
  for (const Argument& parameter : given.field("parameters").list())
    result.parameters.push_back({parameter.field("name").text(), counts(parameter.field("shape"), 0, 1)});
  for (const Argument& node : given.field("nodes").list()) {
    Node made = {node.field("name").text(),
                 op(node, result.parameters),
                 {},
                 node.field("output").text(),
                 node.field("stage").count(0, 31)};
    for (const Argument& input : node.field("inputs").list()) made.inputs.push_back(input.text());
    result.nodes.push_back(std::move(made));
  }
  return result;
}

NetworkOptions networkOptions(const Argument& options) {
  NetworkOptions result;
  result.graph = networkGraph(options.field("graph"));
  result.batch = options.field("batch").count(1, 65536);
  result.loss = options.field("loss").choice({"bce", "softmax"}) == 0 ? Loss::bce : Loss::softmax;
  result.optimizer = optimizerOptions(options.field("optimizer"));
  constexpr NormMode modes[] = {NormMode::batch, NormMode::frozen, NormMode::fixed};
  for (const Argument& mode : options.field("normModes").list())
    result.normModes.push_back(modes[mode.choice({"batch", "frozen", "fixed"})]);
  result.weightDecay = options.field("weightDecay").number();
  result.decayAll = options.field("decayAll").flag();
  result.clipNorm = options.field("clipNorm").number();
  if (const Argument decay = options.field("averageDecay"); decay.isGiven())
    result.averageDecay = decay.number();
  result.labelWeights = copyOf(options.field("labelWeights"));
  result.positiveWeights = copyOf(options.field("positiveWeights"));
  result.keepNormalized = options.field("memory").choice({"lean", "fast"}) == 1;
  result.seed = options.field("seed").count(0);
  return result;
}

std::unique_ptr<Backend> networkBackend(const Argument& options) {
  options.field("device").choice({"cpu"});
  const bool half = options.field("precision").choice({"fp32", "bf16"}) == 1;
  return makeCpuBackend({half ? Precision::bf16 : Precision::fp32, options.field("threads").count(1, 1024),
                         options.field("winograd").flag()});
}

ImageView viewOptions(const Argument& view) {
  constexpr ImageView::Kind kinds[] = {ImageView::Kind::central, ImageView::Kind::mirrored,
                                       ImageView::Kind::drawn};
  return {augmentOptions(view.field("augment")),
          kinds[view.field("kind").choice({"central", "mirrored", "drawn"})], view.field("seed").count(0),
          view.field("pass").count(0)};
}

NetworkInput networkInput(const Argument& input) {
  const std::size_t kind = input.field("kind").choice({"features", "images", "view"});
  if (kind == 0) {
    auto file = openMatrix(input.field("features"), AccessPattern::random);
    const auto shape = counts(input.field("shape"), 0, 1);
    const bool flat = shape.size() == 1;
    if (!flat && shape.size() != 3)
      throw EngineError(ErrorCode::engine, "expected [C, H, W] or [F] for the features' shape.",
                        "input.shape");
    const Extent extent = flat ? Extent{shape[0], 1, 1, true} : Extent{shape[0], shape[1], shape[2], false};
    auto source = std::make_unique<FeatureBatches>(file->view(), extent);
    return {std::move(file), std::move(source)};
  }
  const Argument images = input.field("images");
  AssembleOptions assemble = assembleOptions(images);
  auto file = openMatrix(images.field("images"), AccessPattern::random);
  assemble.images = file->view();
  if (assemble.images.type != ElementType::uint8)
    throw EngineError(ErrorCode::engine, "expected 'uint8' for images.dtype but received another.",
                      "images.dtype");
  if (kind == 1)
    return {std::move(file),
            std::make_unique<ImageBatches>(assemble, augmentOptions(input.field("augment")))};
  return {std::move(file), std::make_unique<ViewBatches>(assemble, viewOptions(input.field("view")))};
}

}  // namespace thaw::addon
