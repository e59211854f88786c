#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "engine/backend.h"
#include "engine/batch_source.h"
#include "engine/compiled_program.h"
#include "engine/stop_signal.h"
#include "engine/training_state.h"

namespace thaw {

struct NetworkOptions {
  Graph graph;
  std::size_t batch = 16;
  Loss loss = Loss::bce;
  OptimizerOptions optimizer;
  std::vector<NormMode> normModes;  ///< of each stage; empty = batch
  double weightDecay = 0;
  bool decayAll = false;               ///< also of biases and batch norms
  double clipNorm = 0;                 ///< gradients are scaled down to this global L2 norm; 0 = never
  double averageDecay = 0;             ///< d of the moving average of weights (weight_average.h); 0 = none
  std::vector<float> labelWeights;     ///< [outputs] or empty
  std::vector<float> positiveWeights;  ///< [outputs] or empty, bce only
  bool keepNormalized = false;
  std::uint32_t seed = 0;
};

/** One pass over some rows: consecutive batches, the last of which may be short. */
struct TrainRequest {
  std::span<const std::uint32_t> order;
  std::span<const std::uint32_t> occurrences;  ///< as long as order, or empty
  std::span<const float> targets;              ///< [source rows × outputs], NaN = unknown (bce only)
  std::span<const float> learningRates;        ///< [steps × stages]
  std::span<const float> momenta;  ///< [steps]: SGD's momentum, Adam's β1; empty = the optimizer's
  std::span<const std::uint32_t> trainedStages;  ///< [steps]: bit s = stage s is trained
  std::uint32_t epoch = 0;
  bool recordNorms = false;  ///< `PassResult::gradientNorms` and `weightNorms`
};

struct PassResult {
  std::vector<double> losses;  ///< [steps]
  /**
   * [steps × stages] L2 norms of each stage's gradient of the loss (before clipping and decay) and of its
   * weights before the update, batch norms left out; NaN for a stage that is frozen or has no such weights.
   */
  std::vector<double> gradientNorms;
  std::vector<double> weightNorms;
  double assembleSeconds = 0;  ///< waited for batches
  double forwardSeconds = 0;
  double backwardSeconds = 0;
  double updateSeconds = 0;
};

/**
 * A suffix of a network in training: any of its stages may be frozen or trained from one step to the next.
 * Weights, moments and memory are its own; one arena serves all freeze states. Not safe for use by several
 * threads at once.
 */
class Network {
 public:
  /** Throws ENGINE, with the node or option, for a graph or options that do not fit. */
  Network(NetworkOptions options, std::unique_ptr<Backend> backend);
  ~Network();

  const CheckedGraph& graph() const { return graph_; }
  std::size_t outputs() const { return outputs_; }
  /** Index of a parameter; throws ENGINE for an unknown name. */
  std::size_t parameter(const std::string& name) const;
  void load(std::size_t parameter, std::span<const float> values);
  std::vector<float> read(std::size_t parameter) const;
  /** What `infer` computes with: the moving average of what is trained, where there is one. */
  std::vector<float> readAverage(std::size_t parameter) const;
  std::vector<float> readGradient(std::size_t parameter) const;

  /**
   * Trains one pass. Throws ABORTED when stopped between two steps, NON_FINITE when a loss is not finite,
   * with the step since the network was made: the state is then that after the last finished step, but for
   * running statistics.
   */
  PassResult train(BatchSource& source, const TrainRequest& request, const StopSignal& stop);

  /**
   * Logits [rows × outputs] in inference form, of the averaged weights where there are any. Throws ABORTED
   * when stopped between two batches.
   */
  void infer(BatchSource& source, std::span<const std::uint32_t> rows, const StopSignal& stop,
             std::span<float> logits);

  /** Weights, running statistics, moments and counters, bit for bit, whatever backend goes on from them. */
  std::vector<std::uint8_t> snapshot() const;
  void restore(std::span<const std::uint8_t> state);
  /**
   * Goes on where a network of this one's last stages (or a head, `HeadBank::trainingState`) was: takes its
   * weights, moments and counters, by name. Parameters that the state does not have, and the moments of
   * those, stay as they are; stages before its own begin with no update done.
   */
  void adopt(std::span<const std::uint8_t> state);

  /** Steps done. */
  std::uint32_t steps() const { return step_; }
  /** Memory that the network has taken. */
  std::size_t bytes() const;

 private:
  struct Host;
  struct Key {
    std::uint32_t trainedStages;
    std::size_t batch;
    auto operator<=>(const Key&) const = default;
  };

  void checkOptions() const;
  void checkSource(const BatchSource& source) const;
  void checkRequest(const BatchSource& source, const TrainRequest& request) const;
  ProgramOptions programOptions(const Key& key) const;
  void compile(const std::vector<Key>& keys);
  double lossOf(std::span<const float> logits, std::span<const float> targets,
                std::span<float> gradients) const;
  void update(std::uint32_t trainedStages, std::span<const float> rates, double momentum);
  bool isTrained(std::size_t parameter, std::uint32_t trainedStages) const;
  void startAverages(std::uint32_t trainedStages);
  void recordNorms(std::uint32_t trainedStages, PassResult& result) const;
  std::size_t momentCount() const;
  void take(const TrainingState& state);

  /** What training does with a parameter. */
  struct Role {
    std::size_t stage = 0;
    bool learned = false;  ///< no running statistics
    bool decays = false;
    bool ofNorm = false;
  };

  NetworkOptions options_;
  std::unique_ptr<Backend> backend_;
  CheckedGraph graph_;
  std::size_t outputs_;
  std::vector<Role> roles_;
  std::unique_ptr<ParameterStore> parameters_;
  std::map<Key, std::unique_ptr<CompiledProgram>> compiled_;
  std::unique_ptr<DeviceMemory> arena_;
  std::uint32_t step_ = 0;
  std::vector<std::uint64_t> updates_;  ///< of each stage
};

}  // namespace thaw
