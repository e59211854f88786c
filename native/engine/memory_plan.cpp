#include <algorithm>
#include <numeric>

#include "engine/program.h"

namespace thaw {
namespace {

/** Collects the buffers of all places of a step. */
struct Collector {
  std::vector<std::uint32_t>& buffers;

  void add(const Place& place) const { buffers.push_back(place.view.buffer); }
  void add(const std::optional<Place>& place) const {
    if (place) add(*place);
  }
  template <typename... Places>
  void all(const Places&... places) const {
    (add(places), ...);
  }

  void operator()(const InputStep& step) const { all(step.out); }
  void operator()(const ConvolutionStep& step) const { all(step.in, step.out); }
  void operator()(const ConvolutionBackwardStep& step) const { all(step.gradient, step.in, step.out); }
  void operator()(const StatisticsStep& step) const { all(step.from, step.to); }
  void operator()(const NormalizeStep& step) const { all(step.in, step.out, step.residual); }
  void operator()(const NormalizeBackwardStep& step) const {
    all(step.gradient, step.out, step.residual, step.forward.in);
    if (step.forward.residual) add(step.forward.out);
  }
  void operator()(const ClearStep&) const {}
  void operator()(const CorrectStep& step) const { all(step.from, step.x, step.to); }
  void operator()(const ActivationStep& step) const { all(step.in, step.out); }
  void operator()(const ActivationBackwardStep& step) const { all(step.y, step.gradient, step.out); }
  void operator()(const PoolStep& step) const { all(step.in, step.out, step.indices); }
  void operator()(const PoolBackwardStep& step) const { all(step.gradient, step.out, step.forward.indices); }
  void operator()(const AddStep& step) const { all(step.a, step.b, step.out); }
  void operator()(const CopyStep& step) const { all(step.from, step.to); }
  void operator()(const FillStep& step) const { all(step.out); }
  void operator()(const LinearStep& step) const { all(step.in, step.out); }
  void operator()(const LinearBackwardStep& step) const { all(step.gradient, step.in, step.out); }
  void operator()(const DropoutStep& step) const { all(step.in, step.out); }
  void operator()(const FlattenStep& step) const { all(step.in, step.out); }
  void operator()(const OutputStep& step) const { all(step.in); }
  void operator()(const OutputBackwardStep& step) const { all(step.out); }
};

struct Lifetime {
  std::size_t first = SIZE_MAX;
  std::size_t last = 0;

  bool meets(const Lifetime& other) const { return first <= other.last && other.first <= last; }
};

std::vector<Lifetime> lifetimes(const Program& program) {
  std::vector<Lifetime> lives(program.buffers.size());
  std::size_t time = 0;
  for (const auto* steps : {&program.forward, &program.backward})
    for (const Step& step : *steps) {
      for (const std::uint32_t buffer : buffersOf(step)) {
        lives[buffer].first = std::min(lives[buffer].first, time);
        lives[buffer].last = time;
      }
      time++;
    }
  return lives;
}

}  // namespace

std::vector<std::uint32_t> buffersOf(const Step& step) {
  std::vector<std::uint32_t> buffers;
  std::visit(Collector{buffers}, step);
  return buffers;
}

ArenaPlan planArena(const Program& program, const std::vector<std::size_t>& bytes, std::size_t alignment) {
  const std::vector<Lifetime> lives = lifetimes(program);
  std::vector<std::size_t> order(bytes.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return bytes[a] > bytes[b]; });
  ArenaPlan plan;
  plan.offsets.resize(bytes.size(), 0);
  std::vector<std::size_t> placed;  // by offset
  for (const std::size_t buffer : order) {
    if (lives[buffer].first == SIZE_MAX) continue;
    const std::size_t size = (bytes[buffer] + alignment - 1) / alignment * alignment;
    std::size_t offset = 0;
    for (const std::size_t other : placed) {
      if (!lives[buffer].meets(lives[other])) continue;
      if (offset + size <= plan.offsets[other]) break;
      offset = std::max(offset, plan.offsets[other] + (bytes[other] + alignment - 1) / alignment * alignment);
    }
    plan.offsets[buffer] = offset;
    plan.bytes = std::max(plan.bytes, offset + size);
    const auto behind = [&](std::size_t a, std::size_t b) { return plan.offsets[a] < plan.offsets[b]; };
    placed.insert(std::upper_bound(placed.begin(), placed.end(), buffer, behind), buffer);
  }
  return plan;
}

}  // namespace thaw
