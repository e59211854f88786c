#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/graph.h"
#include "engine/program.h"

namespace thaw::test {

/** Choices read off bytes; all 0 behind the last one. */
class Choices {
 public:
  explicit Choices(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  /** One of 0 … count − 1. */
  std::size_t pick(std::size_t count) {
    const std::size_t byte = next_ < bytes_.size() ? bytes_[next_++] : 0;
    return byte % count;
  }
  bool flip() { return pick(2) == 1; }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t next_ = 0;
};

/** A small valid graph of any ops, in up to 4 stages, that ends in a vector. */
Graph randomGraph(Choices& choices);

/** Breaks (or merely changes) a graph in some places: names, attributes, shapes, order. */
void damage(Graph& graph, Choices& choices);

/** Any freeze state, norm modes and channel multiple for a graph of up to 4 stages. */
ProgramOptions randomOptions(Choices& choices);

/** Bytes for choices, from a seed. */
std::vector<std::uint8_t> randomBytes(std::uint32_t seed, std::size_t count);

}  // namespace thaw::test
