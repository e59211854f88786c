#include <cstring>
#include <string>

#include "engine/error.h"
#include "engine/head_bank.h"
#include "engine/training_state.h"

// The state of a head bank as bytes: header, epochs of the groups, records of the heads, all their floats.
namespace thaw {
namespace {

struct Header {
  char magic[8];
  std::uint64_t heads;
  std::uint64_t groups;
  std::uint64_t features;
  std::uint64_t outputs;
  std::uint64_t moments;
  std::uint64_t averages;

  bool operator==(const Header&) const = default;
};

Header headerOf(const HeadLayout& layout, std::size_t heads, std::size_t groups) {
  return {{'t', 'h', 'a', 'w', 'b', 'n', 'k', '3'},
          heads,
          groups,
          layout.features,
          layout.outputs,
          layout.moments,
          layout.averages};
}

}  // namespace

std::vector<std::uint8_t> HeadBank::snapshot() const {
  requireUsable();
  const Header header = headerOf(states_.layout, heads(), epochs_.size());
  const std::size_t epochBytes = epochs_.size() * sizeof(epochs_[0]),
                    recordBytes = heads() * sizeof(HeadRecord);
  std::vector<std::uint8_t> state(sizeof(header) + epochBytes + recordBytes +
                                  states_.floats() * sizeof(float));
  std::uint8_t* target = state.data();
  std::memcpy(target, &header, sizeof(header));
  std::memcpy(target + sizeof(header), epochs_.data(), epochBytes);
  std::memcpy(target + sizeof(header) + epochBytes, states_.records.data(), recordBytes);
  std::memcpy(target + sizeof(header) + epochBytes + recordBytes, states_.slice(0),
              states_.floats() * sizeof(float));
  return state;
}

void HeadBank::restore(std::span<const std::uint8_t> state) {
  const Header expected = headerOf(states_.layout, heads(), epochs_.size());
  const std::size_t epochBytes = epochs_.size() * sizeof(epochs_[0]),
                    recordBytes = heads() * sizeof(HeadRecord);
  const std::size_t bytes = sizeof(Header) + epochBytes + recordBytes + states_.floats() * sizeof(float);
  Header header = {};
  if (state.size() >= sizeof(header)) std::memcpy(&header, state.data(), sizeof(header));
  if (state.size() != bytes || header != expected)
    throw EngineError(ErrorCode::engine,
                      "expected a snapshot of a bank of this shape (" + std::to_string(bytes) +
                          " bytes) but received " + std::to_string(state.size()) + " bytes.",
                      "state");
  const std::uint8_t* source = state.data() + sizeof(Header);
  std::memcpy(epochs_.data(), source, epochBytes);
  std::memcpy(states_.records.data(), source + epochBytes, recordBytes);
  std::memcpy(states_.values(), source + epochBytes + recordBytes, states_.floats() * sizeof(float));
  interrupted_ = false;
}

std::vector<std::uint8_t> HeadBank::trainingState(std::size_t head, const std::string& weight,
                                                  const std::string& bias) const {
  requireUsable();
  const HeadLayout& layout = states_.layout;
  const std::size_t group = options_.heads[head].group;
  if (options_.groups[group].standardize)
    throw EngineError(ErrorCode::engine,
                      "expected a head on features as they are but received one on standardised features.",
                      "head");
  ParameterState weights = {weight, {}, {}, {}}, biases = {bias, {}, {}, {}};
  const auto copy = [&](const float* tensors, std::vector<float>& w, std::vector<float>& b) {
    for (std::size_t output = 0; output < layout.outputs; output++) {
      for (std::size_t feature = 0; feature < layout.features; feature++)
        w.push_back(tensors[layout.at(output, feature)]);
      b.push_back(tensors[layout.weightSize + output]);
    }
  };
  const float* slice = states_.slice(head);
  copy(slice, weights.values, biases.values);
  for (std::size_t moment = 1; moment <= layout.moments; moment++)
    copy(slice + moment * layout.parameters(), weights.moments.emplace_back(), biases.moments.emplace_back());
  if (states_.isAveraged(head)) copy(slice + layout.average(), weights.average, biases.average);
  const std::uint64_t steps = states_.records[head].optimizerSteps;
  return encode({static_cast<std::uint32_t>(steps), {steps}, {std::move(weights), std::move(biases)}});
}

}  // namespace thaw
