#include "backend/reference/contract.h"

#include <stdexcept>
#include <string>

namespace thaw::reference {
namespace {

void expect(bool holds, const char* what) {
  if (!holds) throw std::logic_error(std::string("a step does not keep its promise: ") + what);
}

class Contract {
 public:
  explicit Contract(const Program& program) : program_(program) {}

  std::vector<Place> reads;

  void operator()(const InputStep&) {}
  void operator()(const ConvolutionStep& step) {
    whole(step.in);
    whole(step.out);
    apart(step.in, step.out);
    slides(step.window, step.in, step.out);
    read(step.in);
    if (step.accumulate) read(step.out);
  }
  void operator()(const ConvolutionBackwardStep& step) {
    whole(step.gradient);
    slides(step.forward.window, step.forward.in, step.gradient);
    read(step.gradient);
    if (step.in) {
      whole(*step.in);
      alike(*step.in, step.forward.in);
      read(*step.in);
    }
    if (!step.out) return;
    whole(*step.out);
    apart(*step.out, step.gradient);
    alike(*step.out, step.forward.in);
  }
  void operator()(const StatisticsStep& step) {
    read(step.from);
    if (!step.to) return;
    alike(step.from, *step.to);
    expect(step.from.view.buffer != step.to->view.buffer || step.from.view.first != step.to->view.first,
           "a copy is elsewhere");
  }
  void operator()(const NormalizeStep& step) {
    alike(step.in, step.out);
    read(step.in);
    if (!step.residual) return;
    alike(*step.residual, step.out);
    read(*step.residual);
  }
  void operator()(const NormalizeBackwardStep& step) {
    alike(step.forward.in, step.gradient);
    read(step.forward.in);
    read(step.gradient);
    if (step.forward.residual) {
      alike(step.forward.out, step.gradient);
      read(step.forward.out);
    }
    to(step.gradient, step.residual, step.accumulateResidual);
    // The gradient of a residual that is the normalised tensor itself: this very step writes, then adds.
    const bool ownResidual = step.residual && step.out && step.residual->view == step.out->view;
    to(step.gradient, step.out, step.accumulate && !ownResidual);
  }
  void operator()(const ClearStep&) {}
  void operator()(const CorrectStep& step) {
    alike(step.from, step.x);
    alike(step.from, step.to);
    expect(step.from.view.first == step.x.view.first,
           "a correction's vectors go with both the gradient and x");
    read(step.from);
    read(step.x);
  }
  void operator()(const ActivationStep& step) {
    alike(step.in, step.out);
    read(step.in);
  }
  void operator()(const ActivationBackwardStep& step) {
    alike(step.y, step.gradient);
    read(step.y);
    read(step.gradient);
    to(step.gradient, step.out, step.accumulate);
  }
  void operator()(const PoolStep& step) {
    alike(step.in, step.out);
    slides(step.window, step.in, step.out);
    if (step.indices) {
      alike(step.out, *step.indices);
      whole(*step.indices);
      expect(program_.buffers[step.indices->view.buffer].element == Element::byte, "indices are bytes");
    }
    read(step.in);
  }
  void operator()(const PoolBackwardStep& step) {
    alike(step.forward.out, step.gradient);
    read(step.gradient);
    to(step.gradient, step.out, step.accumulate);
  }
  void operator()(const AddStep& step) {
    alike(step.a, step.b);
    alike(step.a, step.out);
    read(step.a);
    read(step.b);
  }
  void operator()(const CopyStep& step) {
    expect(step.from.channels == step.to.channels, "a copy has as many channels as the original");
    read(step.from);
    if (step.accumulate) read(step.to);
  }
  void operator()(const FillStep&) {}
  void operator()(const LinearStep& step) {
    whole(step.in);
    whole(step.out);
    apart(step.in, step.out);
    read(step.in);
  }
  void operator()(const LinearBackwardStep& step) {
    whole(step.gradient);
    read(step.gradient);
    expect(step.in.has_value() == step.parameterGradients, "the input goes with the parameters' gradients");
    if (step.in) {
      alike(*step.in, step.forward.in);
      read(*step.in);
    }
    if (!step.out) return;
    whole(*step.out);
    alike(*step.out, step.forward.in);
    apart(*step.out, step.gradient);
  }
  void operator()(const DropoutStep& step) {
    read(step.in);
    to(step.in, step.out, step.accumulate);
  }
  void operator()(const FlattenStep& step) {
    const Place& vector = step.backward ? step.in : step.out;
    expect(vector.map == nullptr || step.backward, "a vector that is made lies in order");
    read(step.in);
    if (step.accumulate) read(step.out);
  }
  void operator()(const OutputStep& step) { read(step.in); }
  void operator()(const OutputBackwardStep&) {}

 private:
  void read(const Place& place) { reads.push_back(place); }

  /** An elementwise result, which may be added to what is there. */
  void to(const Place& from, const std::optional<Place>& to, bool accumulate) {
    if (!to) return;
    alike(from, *to);
    if (accumulate) read(*to);
  }

  void alike(const Place& a, const Place& b) const {
    expect(a.channels == b.channels && a.view.channels == b.view.channels, "places have as many channels");
    for (std::size_t channel = 0; channel < a.channels; channel++)
      expect(a.at(channel) == b.at(channel), "channels lie alike");
  }
  void slides(const Window& window, const Place& in, const Place& out) const {
    const Buffer &from = program_.buffers[in.view.buffer], &to = program_.buffers[out.view.buffer];
    expect(windowCount(window, from.height, 0) == to.height && windowCount(window, from.width, 1) == to.width,
           "a window makes a map of its output's size");
  }
  void whole(const Place& place) const {
    expect(place.view.first == 0 && place.view.channels == program_.buffers[place.view.buffer].channels,
           "a place is all of its buffer");
  }
  void apart(const Place& a, const Place& b) const {
    expect(a.view.buffer != b.view.buffer, "places are in two buffers");
  }

  const Program& program_;
};

}  // namespace

std::vector<Place> checkContract(const Step& step, const Program& program) {
  Contract contract(program);
  std::visit(contract, step);
  const bool convolves = std::holds_alternative<ConvolutionStep>(step) ||
                         std::holds_alternative<ConvolutionBackwardStep>(step) ||
                         std::holds_alternative<InputStep>(step);
  for (const std::uint32_t buffer : buffersOf(step))
    expect(convolves || !program.buffers[buffer].networkInput,
           "only a convolution reads the network's input");
  return contract.reads;
}

}  // namespace thaw::reference
