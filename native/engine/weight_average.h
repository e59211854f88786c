#pragma once

#include <algorithm>
#include <cstdint>

namespace thaw {

/**
 * Exponential moving average of weights (Polyak & Juditsky, SIAM J Control Optim 1992; Tarvainen & Valpola,
 * NeurIPS 2017): after step t = 1, 2, … average += share · (weight − average) with share = 1 − d_t and d_t =
 * min(d, (1 + t) / (10 + t)), the warm-up of TensorFlow's tf.train.ExponentialMovingAverage with num_updates
 * = t. Before the first step the average is the weight.
 */
inline double averageShare(double decay, std::uint64_t t) {
  const double steps = static_cast<double>(t);
  return 1 - std::min(decay, (1 + steps) / (10 + steps));
}

}  // namespace thaw
