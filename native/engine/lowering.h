#pragma once

#include <optional>
#include <vector>

#include "engine/program.h"

namespace thaw {

/**
 * Which tensors of a graph are the same memory under several names, which lie within the buffer of a
 * concatenation (so that it costs no copy), and how their channels are padded.
 */
class Placement {
 public:
  Placement(const CheckedGraph& graph, const ProgramOptions& options, std::size_t firstTrained,
            std::vector<Buffer>& buffers);

  /** The first tensor that is the same memory. */
  std::size_t root(std::size_t tensor) const { return roots_[tensor]; }
  /** Nodes that read a root under any name, renaming ones left out. */
  const std::vector<std::size_t>& consumers(std::size_t root) const { return consumers_[root]; }
  /** The place within a concatenation's buffer, or null. */
  const Place* window(std::size_t root) const { return windows_[root] ? &*windows_[root] : nullptr; }
  /** Place of a root at the start of some buffer of its padded channels. */
  Place layout(std::size_t root, std::uint32_t buffer) const;
  std::size_t physicalChannels(std::size_t root) const { return physical_[root]; }
  bool isRenaming(std::size_t node) const { return renaming_[node]; }
  /** Do the two have their channels at the same places? */
  bool alike(std::size_t root, std::size_t other) const;

 private:
  void findRoots(std::size_t firstTrained);
  void padChannels(std::size_t multiple);
  void placeConcats(std::vector<Buffer>& buffers);
  std::optional<View> adjacent(const std::vector<std::size_t>& members) const;
  std::vector<std::size_t> members(std::size_t concat) const;

  const CheckedGraph& graph_;
  std::vector<std::size_t> roots_;
  std::vector<std::vector<std::size_t>> consumers_;
  std::vector<bool> renaming_;  ///< of nodes
  std::vector<std::size_t> physical_;
  std::vector<ChannelMap> maps_;
  std::vector<std::optional<Place>> windows_;
};

/** Makes a program's forward part, and keeps what its backward part needs to know. */
class Lowering {
 public:
  /** A step of the trained part with the tensors that may want a gradient. */
  struct Record {
    Step step;
    std::vector<Place> inputs;
    Place output;
    bool trained;  ///< its parameters are trained
  };

  Lowering(const CheckedGraph& graph, const ProgramOptions& options);

  void run();

  Program program;
  std::vector<Record> records;
  /** Batch statistics by buffer. */
  std::vector<std::optional<StatisticsVectors>> statistics;
  Place outputPlace;
  const ProgramOptions& options() const { return options_; }
  NormMode normModeOf(std::size_t node) const;

  std::uint32_t newBuffer(const Place& like);
  VectorId newVector(std::size_t length);
  /** A place of the same channels in a buffer of its own. */
  Place ownBuffer(const Place& like);
  bool isWhole(const View& view) const {
    return view.first == 0 && view.channels == program.buffers[view.buffer].channels;
  }

 private:
  void lowerNode(std::size_t node);
  void lowerConvolution(std::size_t node, const Conv2d& conv);
  Place takePixels(std::size_t node, ConvolutionStep& step);
  void lowerNorm(std::size_t node, const BatchNorm& norm);
  void lowerActivation(std::size_t node, const Activation& activation);
  void lowerPool(std::size_t node, PoolStep step);
  void lowerAdd(std::size_t node);
  void lowerConcat(std::size_t node);
  void lowerLinear(std::size_t node, const Linear& linear);
  void lowerDropout(std::size_t node, const Dropout& dropout);
  void lowerFlatten(std::size_t node);

  std::optional<std::size_t> onlyConsumer(std::size_t tensor) const;
  /** Takes a following activation into a step; `tensor` becomes its output. */
  Activation takeActivation(std::size_t& tensor, bool alsoSigmoid);
  /** The other input, made already, of a following addition of two; `tensor` becomes the sum. */
  std::optional<std::size_t> takeResidual(std::size_t& tensor);
  bool isUsedUp(std::size_t root) const;
  NormParameters normParameters(std::size_t node) const;
  const Place& placeOf(std::size_t tensor) const { return *places_[placement_.root(tensor)]; }
  /** Input of a node; where `whole`, all of a buffer. */
  Place inputOf(std::size_t node, bool whole = false);
  Place newPlace(std::size_t tensor, Element element = Element::activation);
  /** Where kernels that can write into a part of a buffer put a tensor. */
  Place finalPlace(std::size_t tensor);
  /** Puts a tensor that lies at `written` where it belongs and takes its statistics. */
  void finish(std::size_t tensor, const Place& written);
  void passOn(const Place& from, const std::optional<Place>& to);
  bool wantsStatistics(std::uint32_t buffer) const;
  void findStatistics();
  void emit(Step step, std::size_t node, std::vector<Place> inputs, const Place& output);
  std::size_t outputOf(std::size_t node) const { return graph_.nodes[node].output; }
  bool isTraining(std::size_t node) const { return node >= firstTrained_; }
  bool isTrained(std::size_t node) const {
    return (options_.trainedStages >> graph_.graph.nodes[node].stage & 1) != 0;
  }

  const CheckedGraph& graph_;
  ProgramOptions options_;
  std::size_t firstTrained_;
  Placement placement_;
  std::vector<std::optional<Place>> places_;  ///< of roots, once made
  std::vector<bool> done_;                    ///< of nodes
  std::vector<bool> measured_;                ///< of roots: some batch norm wants their statistics
};

/** Writes the backward part of a lowered program. */
void lowerBackward(Lowering& lowering);

}  // namespace thaw
