#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "backend/reference/backend.h"
#include "backend/reference/tensor_view.h"

// One function for every step of engine/step.h: what it does, bound to memory.
namespace thaw::reference {

/** Looks up where the numbers of a program lie. */
class Binding {
 public:
  Binding(const ProgramMemory& memory, Parameters& parameters, ExactHost& host);

  TensorView view(const Place& place) const;
  std::optional<TensorView> view(const std::optional<Place>& place) const;
  View<std::uint8_t> bytes(const Place& place) const;
  std::span<double> vector(VectorId id) const;
  /** All of a buffer. */
  std::span<double> numbers(std::uint32_t buffer) const;

  Parameters& parameters;
  ExactHost& host;

 private:
  const Program& program_;
  const ArenaPlan& plan_;
  std::byte* arena_;
  double* vectors_;
};

using Work = std::function<void(const StepContext&)>;

Work bind(const InputStep& step, const Binding& binding);
Work bind(const OutputStep& step, const Binding& binding);
Work bind(const OutputBackwardStep& step, const Binding& binding);
Work bind(const ConvolutionStep& step, const Binding& binding);
Work bind(const ConvolutionBackwardStep& step, const Binding& binding);
Work bind(const StatisticsStep& step, const Binding& binding);
Work bind(const NormalizeStep& step, const Binding& binding);
Work bind(const NormalizeBackwardStep& step, const Binding& binding);
Work bind(const ClearStep& step, const Binding& binding);
Work bind(const CorrectStep& step, const Binding& binding);
Work bind(const ActivationStep& step, const Binding& binding);
Work bind(const ActivationBackwardStep& step, const Binding& binding);
Work bind(const PoolStep& step, const Binding& binding);
Work bind(const PoolBackwardStep& step, const Binding& binding);
Work bind(const AddStep& step, const Binding& binding);
Work bind(const CopyStep& step, const Binding& binding);
Work bind(const FillStep& step, const Binding& binding);
Work bind(const LinearStep& step, const Binding& binding);
Work bind(const LinearBackwardStep& step, const Binding& binding);
Work bind(const DropoutStep& step, const Binding& binding);
Work bind(const FlattenStep& step, const Binding& binding);

/** y = activation(x) */
double activate(const Activation& activation, double x);
/** activation'(…), read off the result y: relu 1 where y > 0; clip 1 strictly inside its bounds; sigmoid y (1
 * − y). */
double slope(const Activation& activation, double y);

/** Writes or adds. */
inline void put(double& target, double value, bool accumulate) {
  target = accumulate ? target + value : value;
}

}  // namespace thaw::reference
