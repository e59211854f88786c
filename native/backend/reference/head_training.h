#pragma once

#include <cstddef>
#include <vector>

#include "engine/head_bank_options.h"

namespace thaw::reference {

/** One linear head on (standardised) features, in the bank's start values. */
struct Head {
  std::vector<double> weight;  ///< [outputs × features]
  std::vector<double> bias;    ///< [outputs]
};

struct Training {
  Head head;
  Head average;                        ///< of the weights; the weights themselves without `averageDecay`
  std::vector<double> trainLoss;       ///< [epochs]
  std::vector<double> validationLoss;  ///< [epochs]
};

/**
 * Trains one head of a bank as the textbook has it: one row, one output, one feature at a time, in double
 * precision. The oracle of the head bank's tests. `start` are its weights before the first step, for
 * standardised features where its group is standardised.
 */
Training train(const HeadBankOptions& options, std::size_t head, Head start);

/** The weights that the bank gives a head with this seed. */
Head initialWeights(std::size_t features, std::size_t outputs, std::uint32_t seed);

}  // namespace thaw::reference
