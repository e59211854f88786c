#pragma once

#include <optional>
#include <unordered_map>

#include "backend/cpu/device.h"

namespace thaw::cpu {

/** A matrix [rows, columns] in row-major order, or its transpose. */
inline Desc matrix(std::size_t rows, std::size_t columns, Type type, bool transposed = false) {
  return Desc({static_cast<dnnl::memory::dim>(rows), static_cast<dnnl::memory::dim>(columns)}, type,
              transposed ? Tag::ba : Tag::ab);
}

/** product = left · right (+ bias) */
class Product {
 public:
  Product(Device& device, const Desc& left, const Desc& right, const Desc& bias, const Desc& product)
      : device_(device) {
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    const MatmulDesc desc = matmulDesc(device.engine, left, right, bias, product, attributes);
    primitive_ = dnnl::matmul(desc);
    scratchpad_ = dnnl::memory(desc.scratchpad_desc(), device.engine, nullptr);
    device.primitives.want(desc.scratchpad_desc().get_size());
    left_ = dnnl::memory(left, device.engine, nullptr);
    right_ = dnnl::memory(right, device.engine, nullptr);
    product_ = dnnl::memory(product, device.engine, nullptr);
    if (bias != Desc()) bias_ = dnnl::memory(bias, device.engine, nullptr);
  }

  void run(void* left, void* right, float* bias, void* product) {
    left_.set_data_handle(left);
    right_.set_data_handle(right);
    product_.set_data_handle(product);
    scratchpad_.set_data_handle(device_.primitives.data());
    std::unordered_map<int, dnnl::memory> arguments = {{DNNL_ARG_SRC, left_},
                                                       {DNNL_ARG_WEIGHTS, right_},
                                                       {DNNL_ARG_DST, product_},
                                                       {DNNL_ARG_SCRATCHPAD, scratchpad_}};
    if (bias_) {
      bias_->set_data_handle(bias);
      arguments.emplace(DNNL_ARG_BIAS, *bias_);
    }
    primitive_.execute(device_.stream, arguments);
    device_.stream.wait();
  }

 private:
  Device& device_;
  dnnl::matmul primitive_;
  dnnl::memory scratchpad_;
  dnnl::memory left_;
  dnnl::memory right_;
  dnnl::memory product_;
  std::optional<dnnl::memory> bias_;
};

}  // namespace thaw::cpu
