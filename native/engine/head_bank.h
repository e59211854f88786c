#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/head_bank_options.h"
#include "engine/head_evaluation.h"
#include "engine/head_state.h"
#include "engine/stop_signal.h"
#include "engine/thread_pool.h"

namespace thaw {

/** Epochs of one call; arrays [heads × epochs], NaN where a head has no such epoch or has failed. */
struct TrainResult {
  TrainResult(std::size_t heads, std::size_t epochs);

  std::size_t epochs;
  std::vector<double> trainLoss;  ///< mean over the epoch's batches
  std::vector<double> validationLoss;
  std::vector<double> validationAuroc;
  std::vector<std::int32_t> failedStep;  ///< [heads] step at which the loss was not finite, −1 = fine
  std::vector<std::int32_t> bestEpoch;   ///< [heads]
  std::vector<double> trainSeconds;      ///< [heads] thread-seconds
  std::vector<double> validateSeconds;
};

enum class WeightsKind { best, last };

/**
 * Many linear heads trained at once on shared features. Every head has its own seed, learning rates, dropout,
 * decay and loss weights and comes out the same, bit for bit, whatever other heads are in the bank and
 * however many threads train.
 *
 * Heads of one sample group are taken in blocks: a thread packs a batch once and makes a step of every head
 * of its block. Not safe for use by several threads at once.
 */
class HeadBank {
 public:
  /** `options.features` must outlive the bank. Throws ENGINE for options that do not fit together. */
  explicit HeadBank(HeadBankOptions options, const HeadKernels& kernels = headKernels());

  /**
   * Trains every head for up to `epochs` further epochs; heads whose order has ended or whose loss was not
   * finite are left alone. Throws ABORTED when stopped in between: the bank then needs `restore` before it is
   * used again.
   */
  TrainResult train(std::size_t epochs, const StopSignal& stop);

  /** Logits [heads × rows × outputs] without dropout. Throws ABORTED when stopped. */
  void infer(std::span<const std::uint32_t> rows, WeightsKind which, const StopSignal& stop,
             std::span<float> logits);

  LinearWeights weights(std::size_t head, WeightsKind which);
  void load(std::size_t head, std::span<const float> weight, std::span<const float> bias);
  /**
   * Current weights, moments and steps of a head, which a network that ends in such a head can go on from:
   * one stage with two parameters of these names. Throws ENGINE for a head whose features are standardised: a
   * network's are not.
   */
  std::vector<std::uint8_t> trainingState(std::size_t head, const std::string& weight,
                                          const std::string& bias) const;
  /** From the next step on the learning rates of a head's table times this, at least 0. */
  void setRateFactor(std::size_t head, double factor);

  /** Everything that training has changed. */
  std::vector<std::uint8_t> snapshot() const;
  void restore(std::span<const std::uint8_t> state);

  std::size_t heads() const { return options_.heads.size(); }
  std::size_t outputs() const { return options_.outputs; }
  std::size_t featureRows() const { return options_.features.rows; }
  std::size_t features() const { return options_.features.columns; }
  /** Memory that the bank has taken for itself. */
  std::size_t bytes() const;

 private:
  /** What a step needs of a head and never changes. */
  struct HeadConstants {
    std::uint32_t dropThreshold;
    float survivorScale;
    std::vector<float> labelWeights;  ///< repeated 16 times for the kernels
    std::vector<float> positiveWeights;
  };
  struct Block {
    std::size_t group;
    std::vector<std::size_t> heads;
  };
  /** Heads validated together, as many as the memory for their logits allows. */
  struct Pass {
    std::size_t set;
    std::vector<std::size_t> heads;
  };

  void prepareHeads();
  void prepareBlocks();
  void prepareValidation();
  void standardizeGroups();
  const Standardization* scalingOf(std::size_t head) const;
  const Standardization* ensureScaling(std::size_t group);
  void requireUsable() const;
  bool hasEpoch(std::size_t group) const { return epochs_[group] < options_.groups[group].epochs(); }

  void trainBlock(const Block& block, const StopSignal& stop, HeadScratch& scratch, std::size_t column,
                  TrainResult& result);
  double stepHead(std::size_t head, std::size_t step, const PackedRows& batch, float lossScale,
                  HeadScratch& scratch);
  void validate(const StopSignal& stop, std::size_t column, TrainResult& result);
  void validatePass(const Pass& pass, const StopSignal& stop, std::size_t column, TrainResult& result);
  void evaluateTask(const EvaluationTask& task, std::span<const std::uint32_t> rows,
                    std::span<const EvaluatedHead> heads, HeadScratch& scratch, double* losses);
  void chooseBest(std::size_t head, double loss, double auroc);

  HeadBankOptions options_;
  const HeadKernels& kernels_;
  HeadStates states_;
  ThreadPool pool_;
  std::vector<HeadScratch> scratch_;
  std::vector<HeadConstants> constants_;
  std::vector<Block> blocks_;
  std::vector<ValidationSet> sets_;
  std::vector<Pass> passes_;
  std::vector<std::unique_ptr<Standardization>>
      scalings_;                       ///< of the groups that have one, made when first needed
  std::vector<std::uint64_t> epochs_;  ///< of every group: epochs done
  bool interrupted_ = false;
};

}  // namespace thaw
