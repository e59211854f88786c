#include <algorithm>
#include <string>

#include "engine/error.h"
#include "engine/network.h"
#include "engine/training_state.h"

namespace thaw {
namespace {

[[noreturn]] void refuse(const std::string& expected, const std::string& received) {
  throw EngineError(ErrorCode::engine, "expected " + expected + " but received " + received + ".", "state");
}

}  // namespace

std::size_t Network::momentCount() const {
  return options_.optimizer.kind == OptimizerKind::sgd ? 1 : 2;
}

std::vector<std::uint8_t> Network::snapshot() const {
  TrainingState state = {step_, updates_, {}};
  for (std::size_t parameter = 0; parameter < roles_.size(); parameter++) {
    const std::size_t size = graph_.graph.parameters[parameter].size();
    ParameterState& own =
        state.parameters.emplace_back(graph_.graph.parameters[parameter].name, read(parameter));
    for (std::size_t moment = 0; roles_[parameter].learned && moment < momentCount(); moment++)
      parameters_->readMoment(parameter, moment == 1, own.moments.emplace_back(size));
    if (parameters_->hasAverage(parameter)) own.average = readAverage(parameter);
  }
  return encode(state);
}

void Network::restore(std::span<const std::uint8_t> bytes) {
  const TrainingState state = decodeTrainingState(bytes);
  if (state.parameters.size() != roles_.size() || state.updates.size() != updates_.size())
    refuse("a snapshot of a network of this shape (" + std::to_string(roles_.size()) + " parameters in " +
               std::to_string(updates_.size()) + " stages)",
           "one of " + std::to_string(state.parameters.size()) + " parameters in " +
               std::to_string(state.updates.size()) + " stages");
  take(state);
}

void Network::adopt(std::span<const std::uint8_t> bytes) {
  const TrainingState state = decodeTrainingState(bytes);
  if (state.updates.size() > updates_.size())
    refuse("the state of at most " + std::to_string(updates_.size()) + " stages",
           std::to_string(state.updates.size()));
  take(state);
}

void Network::take(const TrainingState& state) {
  std::vector<std::size_t> places;
  for (const ParameterState& parameter : state.parameters) {
    const std::size_t place = this->parameter(parameter.name);
    const std::size_t size = graph_.graph.parameters[place].size();
    const std::size_t moments = roles_[place].learned ? momentCount() : 0;
    if (parameter.values.size() != size || parameter.moments.size() != moments)
      refuse(std::to_string(size) + " numbers with " + std::to_string(moments) + " moments for " +
                 parameter.name,
             std::to_string(parameter.values.size()) + " with " + std::to_string(parameter.moments.size()));
    if (!parameter.average.empty() && options_.averageDecay == 0)
      refuse("weights without an average for " + parameter.name, "averaged ones");
    places.push_back(place);
  }
  backend_->enter();
  step_ = state.step;
  parameters_->dropAverages();
  std::fill(updates_.begin(), updates_.end(), 0);
  std::copy(state.updates.begin(), state.updates.end(),
            updates_.end() - static_cast<std::ptrdiff_t>(state.updates.size()));
  for (std::size_t index = 0; index < places.size(); index++) {
    const ParameterState& parameter = state.parameters[index];
    parameters_->write(places[index], parameter.values);
    for (std::size_t moment = 0; moment < parameter.moments.size(); moment++)
      parameters_->writeMoment(places[index], moment == 1, parameter.moments[moment]);
    if (!parameter.average.empty()) parameters_->writeAverage(places[index], parameter.average);
  }
}

}  // namespace thaw
