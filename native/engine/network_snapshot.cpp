#include <cstring>
#include <string>

#include "engine/error.h"
#include "engine/network.h"

// The state of a network as bytes: header, counters of the stages, then for each parameter in the graph's
// order its values, and for learned ones its moments.
namespace thaw {
namespace {

struct Header {
  char magic[8];
  std::uint64_t parameters;
  std::uint64_t stages;
  std::uint64_t moments;
  std::uint64_t bytes;  ///< of the whole state
  std::uint64_t step;
};

constexpr char magic[8] = {'t', 'h', 'a', 'w', 'n', 'e', 't', '1'};

}  // namespace

std::size_t Network::momentCount() const {
  return options_.optimizer.kind == OptimizerKind::sgd ? 1 : 2;
}

std::size_t Network::stateBytes() const {
  std::size_t floats = 0;
  for (std::size_t parameter = 0; parameter < roles_.size(); parameter++)
    floats += graph_.graph.parameters[parameter].size() * (roles_[parameter].learned ? 1 + momentCount() : 1);
  return sizeof(Header) + updates_.size() * sizeof(updates_[0]) + floats * sizeof(float);
}

std::vector<std::uint8_t> Network::snapshot() const {
  std::vector<std::uint8_t> state(stateBytes());
  Header header = {{}, roles_.size(), updates_.size(), momentCount(), state.size(), step_};
  std::memcpy(header.magic, magic, sizeof(magic));
  std::memcpy(state.data(), &header, sizeof(header));
  std::memcpy(state.data() + sizeof(header), updates_.data(), updates_.size() * sizeof(updates_[0]));
  auto* next =
      reinterpret_cast<float*>(state.data() + sizeof(header) + updates_.size() * sizeof(updates_[0]));
  for (std::size_t parameter = 0; parameter < roles_.size(); parameter++) {
    const std::size_t size = graph_.graph.parameters[parameter].size();
    const auto take = [&] {
      next += size;
      return std::span(next - size, size);
    };
    parameters_->read(parameter, take());
    for (std::size_t moment = 0; roles_[parameter].learned && moment < momentCount(); moment++)
      parameters_->readMoment(parameter, moment == 1, take());
  }
  return state;
}

void Network::restore(std::span<const std::uint8_t> state) {
  Header header = {};
  if (state.size() >= sizeof(header)) std::memcpy(&header, state.data(), sizeof(header));
  const bool fits = std::memcmp(header.magic, magic, sizeof(magic)) == 0 &&
                    header.parameters == roles_.size() && header.stages == updates_.size() &&
                    header.moments == momentCount() && header.bytes == stateBytes() &&
                    state.size() == header.bytes;
  if (!fits)
    throw EngineError(ErrorCode::engine,
                      "expected a snapshot of a network of this shape (" + std::to_string(stateBytes()) +
                          " bytes) but received " + std::to_string(state.size()) + " bytes.",
                      "state");
  backend_->enter();
  step_ = static_cast<std::uint32_t>(header.step);
  std::memcpy(updates_.data(), state.data() + sizeof(header), updates_.size() * sizeof(updates_[0]));
  const std::uint8_t* next = state.data() + sizeof(header) + updates_.size() * sizeof(updates_[0]);
  std::vector<float> values;
  for (std::size_t parameter = 0; parameter < roles_.size(); parameter++) {
    const auto take = [&] {
      values.resize(graph_.graph.parameters[parameter].size());
      std::memcpy(values.data(), next, values.size() * sizeof(float));
      next += values.size() * sizeof(float);
      return std::span<const float>(values);
    };
    parameters_->write(parameter, take());
    for (std::size_t moment = 0; roles_[parameter].learned && moment < momentCount(); moment++)
      parameters_->writeMoment(parameter, moment == 1, take());
  }
}

}  // namespace thaw
