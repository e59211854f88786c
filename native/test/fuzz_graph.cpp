#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "engine/error.h"
#include "engine/program.h"
#include "test/random_graph.h"

// Random graphs, half of them damaged, through the validator, the lowering and the memory plan: each is
// refused with an EngineError or comes out whole. Built with -fsanitize=fuzzer and THAW_LIBFUZZER it is a
// libFuzzer target (clang++ -std=c++20 -g -Inative -DTHAW_LIBFUZZER -fsanitize=fuzzer,address,undefined, this
// file, random_graph.cpp and the graph's and lowering's sources), else a program that makes its inputs
// itself: fuzz_graph [inputs] [seed].

namespace {

enum class Outcome { refused, lowered };

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "not true: %s\n", what);
  std::abort();
}

/** All steps are about buffers of the program, and these lie within the arena. */
void checkProgram(const thaw::Program& program) {
  std::vector<std::size_t> bytes;
  for (const thaw::Buffer& buffer : program.buffers) {
    require(buffer.channels > 0 && buffer.pixels() > 0, "a buffer has a size");
    bytes.push_back(program.batch * buffer.channels * buffer.pixels() * 4);
  }
  for (const auto* steps : {&program.forward, &program.backward})
    for (const thaw::Step& step : *steps)
      for (const std::uint32_t buffer : thaw::buffersOf(step))
        require(buffer < program.buffers.size(), "a step's buffer exists");
  const thaw::ArenaPlan plan = thaw::planArena(program, bytes);
  for (std::size_t buffer = 0; buffer < bytes.size(); buffer++)
    require(
        plan.offsets[buffer] % 64 == 0 && (plan.offsets[buffer] == 0 || plan.offsets[buffer] < plan.bytes),
        "a buffer lies in the arena");
}

Outcome run(std::span<const std::uint8_t> bytes) {
  thaw::test::Choices choices(bytes);
  const bool damaged = choices.flip();
  const thaw::ProgramOptions options = thaw::test::randomOptions(choices);
  thaw::Graph graph = thaw::test::randomGraph(choices);
  if (damaged) thaw::test::damage(graph, choices);
  try {
    const thaw::CheckedGraph checked = thaw::checkGraph(std::move(graph));
    checkProgram(thaw::lower(checked, options));
    return Outcome::lowered;
  } catch (const thaw::EngineError& error) {
    if (!damaged) std::fprintf(stderr, "%s: %s\n", error.node.c_str(), error.what());
    require(damaged, "a whole graph is accepted");
    require(!error.node.empty(), "a refusal says where");
    return Outcome::refused;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  run({data, size});
  return 0;
}

#ifndef THAW_LIBFUZZER
int main(int count, char** arguments) {
  const unsigned long inputs = count > 1 ? std::strtoul(arguments[1], nullptr, 10) : 20000;
  const unsigned long seed = count > 2 ? std::strtoul(arguments[2], nullptr, 10) : 1;
  unsigned long lowered = 0;
  for (unsigned long input = 0; input < inputs; input++) {
    const auto bytes =
        thaw::test::randomBytes(static_cast<std::uint32_t>(seed * 1000003 + input), 40 + input % 160);
    if (run(bytes) == Outcome::lowered) lowered++;
  }
  std::printf("%lu graphs: %lu lowered, %lu refused\n", inputs, lowered, inputs - lowered);
  return lowered == 0 || lowered == inputs ? 1 : 0;
}
#endif
