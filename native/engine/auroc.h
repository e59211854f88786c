#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace thaw {

/** Working memory of `auroc`, kept from call to call. */
struct AurocScratch {
  std::vector<std::uint64_t> keys;
  std::vector<std::uint64_t> sorted;
};

/**
 * Area under the ROC curve: the probability that a positive has a higher score than a negative, ties counting
 * one half (Mann-Whitney U / (P · N); Hanley & McNeil, Radiology 1982;143:29). NaN where a class is missing
 * or a score is NaN.
 */
double auroc(std::span<const float> scores, std::span<const std::uint8_t> positive, AurocScratch& scratch);

}  // namespace thaw
