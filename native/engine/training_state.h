#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace thaw {

/**
 * A parameter with its moments (none for running statistics, one (SGD) or two (Adam) for what is learned) and
 * its moving average: empty where weights are not averaged or the parameter has not been trained yet.
 */
struct ParameterState {
  std::string name;
  std::vector<float> values;
  std::vector<std::vector<float>> moments;
  std::vector<float> average;
};

/** All that training has changed about a network, or about a head, by the names of its parameters. */
struct TrainingState {
  std::uint32_t step = 0;
  std::vector<std::uint64_t> updates;  ///< of each stage
  std::vector<ParameterState> parameters;
};

std::vector<std::uint8_t> encode(const TrainingState& state);
/** Throws ENGINE for bytes that `encode` did not make. */
TrainingState decodeTrainingState(std::span<const std::uint8_t> bytes);

}  // namespace thaw
