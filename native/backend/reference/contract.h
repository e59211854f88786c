#pragma once

#include <vector>

#include "engine/program.h"

namespace thaw::reference {

/**
 * Checks what a step promises to the kernels of every backend, and these do not look after themselves: that
 * elementwise work finds the channels of all its places alike, that convolutions and linear layers have
 * buffers of their own. The reference kernels could do without, so nothing else would notice. Throws
 * std::logic_error. Returns the places that the step reads, whose padding has to hold zeros.
 */
std::vector<Place> checkContract(const Step& step, const Program& program);

}  // namespace thaw::reference
