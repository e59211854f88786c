#pragma once

#include <dnnl.hpp>

// oneDNN 2.6 and 3.x make primitive descriptors differently; here is the one place that knows.
namespace thaw::cpu {

using Dims = dnnl::memory::dims;
using Desc = dnnl::memory::desc;
using Tag = dnnl::memory::format_tag;
using Type = dnnl::memory::data_type;

/** A convolution's geometry. */
struct ConvolutionShape {
  Dims strides;
  Dims dilations;  ///< 0 = none
  Dims paddingBefore;
  Dims paddingAfter;
};

using ForwardDesc = dnnl::convolution_forward::primitive_desc;
using BackwardDataDesc = dnnl::convolution_backward_data::primitive_desc;
using BackwardWeightsDesc = dnnl::convolution_backward_weights::primitive_desc;
using MatmulDesc = dnnl::matmul::primitive_desc;

/** `bias` is empty (Desc()) where there is none. All throw dnnl::error where oneDNN has no such primitive. */
inline ForwardDesc forwardDesc(const dnnl::engine& engine, dnnl::algorithm algorithm, const Desc& source,
                               const Desc& weights, const Desc& bias, const Desc& target,
                               const ConvolutionShape& shape, const dnnl::primitive_attr& attributes) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine,
          dnnl::prop_kind::forward_training,
          algorithm,
          source,
          weights,
          bias,
          target,
          shape.strides,
          shape.dilations,
          shape.paddingBefore,
          shape.paddingAfter,
          attributes};
#else
  return {{dnnl::prop_kind::forward_training, algorithm, source, weights, bias, target, shape.strides,
           shape.dilations, shape.paddingBefore, shape.paddingAfter},
          attributes,
          engine};
#endif
}

inline BackwardDataDesc backwardDataDesc(const dnnl::engine& engine, dnnl::algorithm algorithm,
                                         const Desc& source, const Desc& weights, const Desc& target,
                                         const ConvolutionShape& shape, const ForwardDesc& hint,
                                         const dnnl::primitive_attr& attributes) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine,
          algorithm,
          source,
          weights,
          target,
          shape.strides,
          shape.dilations,
          shape.paddingBefore,
          shape.paddingAfter,
          hint,
          attributes};
#else
  return {{algorithm, source, weights, target, shape.strides, shape.dilations, shape.paddingBefore,
           shape.paddingAfter},
          attributes,
          engine,
          hint};
#endif
}

inline BackwardWeightsDesc backwardWeightsDesc(const dnnl::engine& engine, dnnl::algorithm algorithm,
                                               const Desc& source, const Desc& weights, const Desc& bias,
                                               const Desc& target, const ConvolutionShape& shape,
                                               const ForwardDesc& hint,
                                               const dnnl::primitive_attr& attributes) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine,
          algorithm,
          source,
          weights,
          bias,
          target,
          shape.strides,
          shape.dilations,
          shape.paddingBefore,
          shape.paddingAfter,
          hint,
          attributes};
#else
  return {{algorithm, source, weights, bias, target, shape.strides, shape.dilations, shape.paddingBefore,
           shape.paddingAfter},
          attributes,
          engine,
          hint};
#endif
}

inline MatmulDesc matmulDesc(const dnnl::engine& engine, const Desc& left, const Desc& right,
                             const Desc& bias, const Desc& product, const dnnl::primitive_attr& attributes) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine, left, right, bias, product, attributes};
#else
  return {{left, right, bias, product}, attributes, engine};
#endif
}

inline void appendElementwise(dnnl::post_ops& operations, dnnl::algorithm algorithm, float alpha,
                              float beta) {
#if DNNL_VERSION_MAJOR >= 3
  operations.append_eltwise(algorithm, alpha, beta);
#else
  operations.append_eltwise(1.0f, algorithm, alpha, beta);
#endif
}

}  // namespace thaw::cpu
