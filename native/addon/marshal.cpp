#include "addon/marshal.h"

#include <cmath>
#include <cstring>
#include <map>

#include "engine/error.h"

namespace thaw::addon {
namespace {

/** What a value is, in a few words. */
std::string describe(const Napi::Value& value) {
  if (value.IsUndefined()) return "undefined";
  if (value.IsNull()) return "null";
  if (value.IsNumber() || value.IsBoolean()) return value.ToString().Utf8Value();
  if (value.IsString()) return "'" + value.As<Napi::String>().Utf8Value() + "'";
  if (value.IsFunction()) return "a function";
  if (!value.IsObject()) return "a value of another type";
  const Napi::Value constructor = value.As<Napi::Object>().Get("constructor");
  std::string name =
      constructor.IsFunction() ? constructor.As<Napi::Object>().Get("name").ToString().Utf8Value() : "object";
  if (value.IsTypedArray())
    name += " of length " + std::to_string(value.As<Napi::TypedArray>().ElementLength());
  if (value.IsArray()) name += " of length " + std::to_string(value.As<Napi::Array>().Length());
  return name;
}

template <typename Array, typename T>
Napi::Value copied(Napi::Env env, std::span<const T> values) {
  Array array = Array::New(env, values.size());
  if (!values.empty()) std::memcpy(array.Data(), values.data(), values.size_bytes());
  return array;
}

std::vector<float> optionalFloats(const Argument& argument, std::size_t length) {
  if (!argument.isGiven()) return {};
  const auto values = argument.floats(length);
  return {values.begin(), values.end()};
}

/** Equal tables of many heads are kept once. */
class StepTables {
 public:
  StepTable keep(std::span<const float> values) {
    std::vector<std::uint32_t> bits(values.size());
    if (!values.empty()) std::memcpy(bits.data(), values.data(), values.size_bytes());
    StepTable& table = tables_[std::move(bits)];
    if (table == nullptr) table = std::make_shared<const std::vector<float>>(values.begin(), values.end());
    return table;
  }

 private:
  std::map<std::vector<std::uint32_t>, StepTable> tables_;
};

SampleGroup sampleGroup(const Argument& group, std::size_t limit) {
  const auto order = group.field("order").rows(limit);
  const auto validation = group.field("validationRows").rows(limit);
  return {{order.begin(), order.end()},
          group.field("rowsPerEpoch").count(1),
          {validation.begin(), validation.end()},
          group.field("standardize").flag()};
}

HeadOptions headOptions(const Argument& head, std::size_t outputs, StepTables& tables) {
  HeadOptions options;
  options.group = head.field("group").count(0);
  options.seed = head.field("seed").count(0);
  options.dropout = head.field("dropout").number();
  options.weightDecay = head.field("weightDecay").number();
  if (const Argument decay = head.field("averageDecay"); decay.isGiven())
    options.averageDecay = decay.number();
  options.learningRates = tables.keep(head.field("learningRates").floats());
  if (const Argument momenta = head.field("momenta"); momenta.isGiven())
    options.momenta = tables.keep(momenta.floats());
  options.labelWeights = optionalFloats(head.field("labelWeights"), outputs);
  options.positiveWeights = optionalFloats(head.field("positiveWeights"), outputs);
  return options;
}

}  // namespace

void Argument::refuse(const std::string& expected) const {
  throw EngineError(ErrorCode::engine,
                    "expected " + expected + " for " + name_ + " but received " + describe(value_) + ".",
                    name_);
}

Argument Argument::field(const std::string& key) const {
  if (!value_.IsObject()) refuse("an object");
  return {value_.As<Napi::Object>().Get(key), name_.empty() ? key : name_ + "." + key};
}

std::vector<Argument> Argument::list() const {
  if (!value_.IsArray()) refuse("an array");
  const auto array = value_.As<Napi::Array>();
  std::vector<Argument> items;
  for (std::uint32_t index = 0; index < array.Length(); index++)
    items.emplace_back(array.Get(index), name_ + "[" + std::to_string(index) + "]");
  return items;
}

double Argument::number() const {
  if (!value_.IsNumber() || !std::isfinite(value_.As<Napi::Number>().DoubleValue()))
    refuse("a finite number");
  return value_.As<Napi::Number>().DoubleValue();
}

std::uint32_t Argument::count(std::uint32_t least, std::uint32_t most) const {
  const double value = value_.IsNumber() ? value_.As<Napi::Number>().DoubleValue() : std::nan("");
  if (!(value >= least && value <= most) || value != std::floor(value))
    refuse("an integer from " + std::to_string(least) + " to " + std::to_string(most));
  return static_cast<std::uint32_t>(value);
}

bool Argument::flag() const {
  if (!value_.IsBoolean()) refuse("a boolean");
  return value_.As<Napi::Boolean>().Value();
}

std::string Argument::text() const {
  if (!value_.IsString()) refuse("a string");
  return value_.As<Napi::String>().Utf8Value();
}

std::size_t Argument::choice(std::initializer_list<const char*> choices) const {
  const std::string given = value_.IsString() ? value_.As<Napi::String>().Utf8Value() : "";
  std::string expected;
  std::size_t index = 0;
  for (const char* choice : choices) {
    if (given == choice) return index;
    index++;
    expected += (expected.empty()          ? "'"
                 : index == choices.size() ? " or '"
                                           : ", '") +
                std::string(choice) + "'";
  }
  refuse(expected);
}

template <typename T>
std::span<T> Argument::typedArray(napi_typedarray_type type, const char* typeName, std::size_t length) const {
  const bool fits = value_.IsTypedArray() && value_.As<Napi::TypedArray>().TypedArrayType() == type &&
                    (length == anyLength || value_.As<Napi::TypedArray>().ElementLength() == length);
  if (!fits)
    refuse(std::string("a ") + typeName +
           (length == anyLength ? "" : " of length " + std::to_string(length)));
  auto array = value_.As<Napi::TypedArrayOf<T>>();
  return {array.Data(), array.ElementLength()};
}

std::span<float> Argument::floats(std::size_t length) const {
  return typedArray<float>(napi_float32_array, "Float32Array", length);
}

std::span<double> Argument::doubles(std::size_t length) const {
  return typedArray<double>(napi_float64_array, "Float64Array", length);
}

bool Argument::isDoubles() const {
  return value_.IsTypedArray() && value_.As<Napi::TypedArray>().TypedArrayType() == napi_float64_array;
}

std::span<std::uint32_t> Argument::rows(std::size_t limit) const {
  const auto rows = typedArray<std::uint32_t>(napi_uint32_array, "Uint32Array", anyLength);
  for (const std::uint32_t row : rows)
    if (row >= limit)
      throw EngineError(ErrorCode::engine,
                        "expected rows below " + std::to_string(limit) + " for " + name_ + " but received " +
                            std::to_string(row) + ".",
                        name_);
  return rows;
}

std::span<std::uint16_t> Argument::halves(std::size_t length) const {
  return typedArray<std::uint16_t>(napi_uint16_array, "Uint16Array", length);
}

std::span<std::uint8_t> Argument::bytes() const {
  return typedArray<std::uint8_t>(napi_uint8_array, "Uint8Array", anyLength);
}

const std::int32_t* Argument::abortFlag() const {
  return typedArray<std::int32_t>(napi_int32_array, "Int32Array", 1).data();
}

std::unique_ptr<MatrixStack> openMatrix(const Argument& file, AccessPattern access) {
  constexpr ElementType types[] = {ElementType::float32, ElementType::float16, ElementType::uint8};
  const ElementType type = types[file.field("dtype").choice({"float32", "float16", "uint8"})];
  std::vector<std::string> paths = {file.field("path").text()};
  if (const Argument further = file.field("further"); further.isGiven())
    for (const Argument& path : further.list()) paths.push_back(path.text());
  return std::make_unique<MatrixStack>(paths, file.field("rows").count(1), file.field("columns").count(1),
                                       type, access);
}

OptimizerOptions optimizerOptions(const Argument& optimizer) {
  constexpr OptimizerKind kinds[] = {OptimizerKind::sgd, OptimizerKind::adam, OptimizerKind::adamw};
  return {kinds[optimizer.field("kind").choice({"sgd", "adam", "adamw"})],
          optimizer.field("momentum").number(), optimizer.field("nesterov").flag(),
          optimizer.field("beta2").number(), optimizer.field("epsilon").number()};
}

HeadBankOptions headBankOptions(const Argument& options) {
  HeadBankOptions result;
  const std::uint32_t rows = options.field("features").field("rows").count(1);
  result.outputs = options.field("outputs").count(1);
  const auto targets = options.field("targets").floats(rows * result.outputs);
  result.targets.assign(targets.begin(), targets.end());
  result.loss = options.field("loss").choice({"bce", "softmax"}) == 0 ? Loss::bce : Loss::softmax;
  result.batch = options.field("batch").count(1, 1u << 20);
  result.optimizer = optimizerOptions(options.field("optimizer"));
  result.select = options.field("select").choice({"loss", "auroc"}) == 0 ? Selection::loss : Selection::auroc;
  result.threads = options.field("threads").count(1, 1024);
  for (const Argument& group : options.field("groups").list())
    result.groups.push_back(sampleGroup(group, rows));
  StepTables tables;
  for (const Argument& head : options.field("heads").list())
    result.heads.push_back(headOptions(head, result.outputs, tables));
  return result;
}

AssembleOptions assembleOptions(const Argument& options) {
  AssembleOptions result;
  result.size = options.field("size").count(1, 1u << 15);
  result.channels = options.field("channels").count(1, 3);
  result.outputChannels = options.field("outputChannels").count(1, 3);
  result.order = options.field("order").choice({"RGB", "BGR"}) == 0 ? ChannelOrder::rgb : ChannelOrder::bgr;
  result.scale = options.field("scale").number();
  result.mean = optionalFloats(options.field("mean"), result.outputChannels);
  result.deviation = optionalFloats(options.field("std"), result.outputChannels);
  return result;
}

Napi::Value float32Array(Napi::Env env, std::span<const float> values) {
  return copied<Napi::Float32Array>(env, values);
}

Napi::Value float64Array(Napi::Env env, std::span<const double> values) {
  return copied<Napi::Float64Array>(env, values);
}

Napi::Value uint8Array(Napi::Env env, std::span<const std::uint8_t> values) {
  return copied<Napi::Uint8Array>(env, values);
}

Napi::Value uint32Array(Napi::Env env, std::span<const std::uint32_t> values) {
  return copied<Napi::Uint32Array>(env, values);
}

Napi::Value int32Array(Napi::Env env, std::span<const std::int32_t> values) {
  return copied<Napi::Int32Array>(env, values);
}

}  // namespace thaw::addon
