#include "engine/training_state.h"

#include <cstring>
#include <type_traits>

#include "engine/error.h"

// Bytes: magic, length of the whole, step, number of stages and their updates, number of parameters; of each
// the length of its name, its numbers, its moments and its averages (0 or 1), then the name, the values, the
// moments and the average.
namespace thaw {
namespace {

constexpr char magic[8] = {'t', 'h', 'a', 'w', 'n', 'e', 't', '3'};

class Writer {
 public:
  void number(std::uint64_t value) { raw(&value, sizeof(value)); }
  void raw(const void* data, std::size_t size) {
    const auto* first = static_cast<const std::uint8_t*>(data);
    bytes.insert(bytes.end(), first, first + size);
  }
  void floats(const std::vector<float>& values) { raw(values.data(), values.size() * sizeof(float)); }

  std::vector<std::uint8_t> bytes;
};

class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : rest_(bytes), bytes_(bytes.size()) {}

  std::uint64_t number() {
    std::uint64_t value = 0;
    raw(&value, sizeof(value));
    return value;
  }
  /** A number of elements of `size` bytes that are still to come. */
  std::size_t count(std::size_t size) {
    const std::uint64_t value = number();
    if (value > rest_.size() / size) refuse();
    return value;
  }
  void raw(void* target, std::size_t size) {
    if (size > rest_.size()) refuse();
    if (size > 0) std::memcpy(target, rest_.data(), size);
    rest_ = rest_.subspan(size);
  }
  std::vector<float> floats(std::size_t count) {
    if (count > rest_.size() / sizeof(float)) refuse();
    std::vector<float> values(count);
    raw(values.data(), count * sizeof(float));
    return values;
  }
  bool ended() const { return rest_.empty(); }
  [[noreturn]] void refuse() const {
    throw EngineError(
        ErrorCode::engine,
        "expected a snapshot of a network but received " + std::to_string(bytes_) + " bytes that are none.",
        "state");
  }

 private:
  std::span<const std::uint8_t> rest_;
  std::size_t bytes_;
};

}  // namespace

std::vector<std::uint8_t> encode(const TrainingState& state) {
  std::size_t size = sizeof(magic) + 4 * sizeof(std::uint64_t) + state.updates.size() * sizeof(std::uint64_t);
  for (const ParameterState& parameter : state.parameters)
    size +=
        4 * sizeof(std::uint64_t) + parameter.name.size() +
        (parameter.values.size() * (1 + parameter.moments.size()) + parameter.average.size()) * sizeof(float);
  Writer out;
  out.bytes.reserve(size);
  out.raw(magic, sizeof(magic));
  out.number(size);
  out.number(state.step);
  out.number(state.updates.size());
  for (const std::uint64_t updates : state.updates) out.number(updates);
  out.number(state.parameters.size());
  for (const ParameterState& parameter : state.parameters) {
    out.number(parameter.name.size());
    out.number(parameter.values.size());
    out.number(parameter.moments.size());
    out.number(parameter.average.empty() ? 0 : 1);
    out.raw(parameter.name.data(), parameter.name.size());
    out.floats(parameter.values);
    for (const auto& moment : parameter.moments) out.floats(moment);
    out.floats(parameter.average);
  }
  return std::move(out.bytes);
}

TrainingState decodeTrainingState(std::span<const std::uint8_t> bytes) {
  Reader in(bytes);
  char begin[8];
  in.raw(begin, sizeof(begin));
  if (std::memcmp(begin, magic, sizeof(magic)) != 0 || in.number() != bytes.size()) in.refuse();
  TrainingState state;
  state.step = static_cast<std::uint32_t>(in.number());
  state.updates.resize(in.count(sizeof(std::uint64_t)));
  for (std::uint64_t& updates : state.updates) updates = in.number();
  state.parameters.resize(in.count(4 * sizeof(std::uint64_t)));
  for (ParameterState& parameter : state.parameters) {
    parameter.name.resize(in.count(1));
    const std::size_t size = in.count(sizeof(float));
    const std::size_t moments = in.number();
    const std::uint64_t averages = in.number();
    if (moments > 2 || averages > 1) in.refuse();
    in.raw(parameter.name.data(), parameter.name.size());
    parameter.values = in.floats(size);
    for (std::size_t moment = 0; moment < moments; moment++) parameter.moments.push_back(in.floats(size));
    if (averages == 1) parameter.average = in.floats(size);
  }
  if (!in.ended()) in.refuse();
  return state;
}

}  // namespace thaw
