#pragma once

#include <memory>

#include "backend/cpu/parameters.h"

// A kernel for each step but the convolutions (convolution.h).
namespace thaw::cpu {

std::unique_ptr<Kernel> makeKernel(const InputStep& step, const Regions& regions, Device& device);
std::unique_ptr<Kernel> makeKernel(const OutputStep& step, const Regions& regions, Device& device);
std::unique_ptr<Kernel> makeKernel(const OutputBackwardStep& step, const Regions& regions, Device& device);

std::unique_ptr<Kernel> makeKernel(const StatisticsStep& step, const Regions& regions, Device& device);
std::unique_ptr<Kernel> makeKernel(const NormalizeStep& step, const Regions& regions,
                                   CpuParameters& parameters, Device& device);
std::unique_ptr<Kernel> makeKernel(const NormalizeBackwardStep& step, const Regions& regions,
                                   CpuParameters& parameters, Device& device);
std::unique_ptr<Kernel> makeKernel(const CorrectStep& step, const Regions& regions, Device& device);
std::unique_ptr<Kernel> makeKernel(const ClearStep& step, const Regions& regions, Device& device);

std::unique_ptr<Kernel> makeKernel(const ActivationStep& step, const Regions& regions, Device& device);
std::unique_ptr<Kernel> makeKernel(const ActivationBackwardStep& step, const Regions& regions,
                                   Device& device);
std::unique_ptr<Kernel> makeKernel(const AddStep& step, const Regions& regions, Device& device);
std::unique_ptr<Kernel> makeKernel(const CopyStep& step, const Regions& regions, Device& device);
std::unique_ptr<Kernel> makeKernel(const FillStep& step, const Regions& regions, Device& device);
std::unique_ptr<Kernel> makeKernel(const DropoutStep& step, const Regions& regions, Device& device);
std::unique_ptr<Kernel> makeKernel(const FlattenStep& step, const Regions& regions, Device& device);

std::unique_ptr<Kernel> makeKernel(const PoolStep& step, const Regions& regions, Device& device);
std::unique_ptr<Kernel> makeKernel(const PoolBackwardStep& step, const Regions& regions, Device& device);

std::unique_ptr<Kernel> makeKernel(const LinearStep& step, const Regions& regions, CpuParameters& parameters,
                                   Device& device);
std::unique_ptr<Kernel> makeKernel(const LinearBackwardStep& step, const Regions& regions,
                                   CpuParameters& parameters, Device& device);

}  // namespace thaw::cpu
