#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/head_bank_options.h"
#include "engine/stop_signal.h"
#include "image/batch_assembler.h"
#include "store/matrix_file.h"

namespace thaw::addon {

/** A JavaScript value and its name in messages; every reader throws ENGINE "expected X for Y but received Z".
 */
class Argument {
 public:
  Argument(Napi::Value value, std::string name) : value_(value), name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  bool isGiven() const { return !value_.IsUndefined(); }

  Argument field(const std::string& key) const;
  std::vector<Argument> list() const;
  double number() const;
  /** Integer from `least` to `most`. */
  std::uint32_t count(std::uint32_t least, std::uint32_t most = UINT32_MAX) const;
  bool flag() const;
  std::string text() const;
  /** Index of the text among the choices. */
  std::size_t choice(std::initializer_list<const char*> choices) const;
  /** Typed arrays; borrowed from JavaScript. `length` is checked unless it is `anyLength`. */
  static constexpr std::size_t anyLength = SIZE_MAX;
  std::span<float> floats(std::size_t length = anyLength) const;
  std::span<double> doubles(std::size_t length = anyLength) const;
  bool isDoubles() const;
  std::span<std::uint32_t> rows(std::size_t limit) const;
  std::span<std::uint16_t> halves(std::size_t length = anyLength) const;
  std::span<std::uint8_t> bytes() const;
  const std::int32_t* abortFlag() const;
  Napi::Object object() const { return value_.As<Napi::Object>(); }

 private:
  [[noreturn]] void refuse(const std::string& expected) const;
  template <typename T>
  std::span<T> typedArray(napi_typedarray_type type, const char* typeName, std::size_t length) const;

  Napi::Value value_;
  std::string name_;
};

/** Opens a `NativeMatrixFile`. */
std::unique_ptr<MatrixStack> openMatrix(const Argument& file, AccessPattern access);

OptimizerOptions optimizerOptions(const Argument& optimizer);

/** A `NativeHeadBankOptions` but for `features`, copied. */
HeadBankOptions headBankOptions(const Argument& options);

/** A `NativeAssembleOptions` but for `images`. */
AssembleOptions assembleOptions(const Argument& options);

Napi::Value float32Array(Napi::Env env, std::span<const float> values);
Napi::Value float64Array(Napi::Env env, std::span<const double> values);
Napi::Value uint8Array(Napi::Env env, std::span<const std::uint8_t> values);
Napi::Value uint32Array(Napi::Env env, std::span<const std::uint32_t> values);
Napi::Value int32Array(Napi::Env env, std::span<const std::int32_t> values);

}  // namespace thaw::addon
