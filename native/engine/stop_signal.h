#pragma once

#include <atomic>
#include <cstdint>

namespace thaw {

/** Asked between steps: has the caller, or the end of its environment, called the work off? */
struct StopSignal {
  const std::int32_t* request = nullptr;  ///< not zero = stop; written by another thread
  const std::atomic<bool>* closing = nullptr;

  bool raised() const {
    return (request != nullptr && __atomic_load_n(request, __ATOMIC_RELAXED) != 0) ||
           (closing != nullptr && closing->load(std::memory_order_relaxed));
  }
};

}  // namespace thaw
