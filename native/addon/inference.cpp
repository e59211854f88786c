#include "addon/inference.h"

#include "addon/job.h"
#include "addon/network_options.h"
#include "engine/inference.h"

namespace thaw::addon {
namespace {

class InferenceObject : public Napi::ObjectWrap<InferenceObject> {
 public:
  explicit InferenceObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<InferenceObject>(info) {
    guarded(info.Env(), [&] {
      const Argument options(info[0], "");
      if (!info[0].IsObject())
        throw EngineError(ErrorCode::engine, "expected an object for the options of an inference.",
                          "options");
      inference_ =
          std::make_unique<Inference>(networkGraph(options.field("graph")),
                                      options.field("batch").count(1, 65536), networkBackend(options));
      thread_ = std::make_unique<JobThread>();
      report(info.Env());
    });
  }

  void Finalize(Napi::Env env) override { release(env); }

  void load(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] {
      open().load(Argument(info[0], "parameter").text(), Argument(info[1], "values").floats());
    });
  }

  Napi::Value run(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      Inference& inference = open();
      const Argument images(info[0], "images"), outputs(info[1], "outputs");
      const auto from = images.floats(inference.batch() * inference.inputSize());
      const auto to = outputs.floats(inference.batch() * inference.outputSize());
      return Job::start(
          info.Env(), &occupancy_, {info.This().As<Napi::Object>(), images.object(), outputs.object()},
          [&inference, from, to](const std::atomic<bool>&) { inference.run(from, to); },
          [this](Napi::Env env) {
            report(env);
            return env.Undefined();
          },
          thread_.get());
    });
  }

  Napi::Value bytes(const Napi::CallbackInfo& info) {
    return guarded(info.Env(),
                   [&] { return Napi::Number::New(info.Env(), static_cast<double>(open().bytes())); });
  }

  void dispose(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] {
      occupancy_.require();
      release(info.Env());
    });
  }

 private:
  Inference& open() {
    occupancy_.require();
    if (inference_ == nullptr) throw EngineError(ErrorCode::engine, "this inference has been disposed.");
    return *inference_;
  }

  void report(Napi::Env env) { memory_.report(env, inference_ == nullptr ? 0 : inference_->bytes()); }

  void release(Napi::Env env) {
    thread_.reset();
    inference_.reset();
    report(env);
  }

  std::unique_ptr<Inference> inference_;
  std::unique_ptr<JobThread> thread_;
  Occupancy occupancy_;
  ReportedMemory memory_;
};

}  // namespace

Napi::Function inferenceClass(Napi::Env env) {
  using Object = InferenceObject;
  return Object::DefineClass(
      env, "Inference",
      {Object::InstanceMethod<&Object::load>("load"), Object::InstanceMethod<&Object::run>("run"),
       Object::InstanceMethod<&Object::bytes>("bytes"), Object::InstanceMethod<&Object::dispose>("dispose")});
}

}  // namespace thaw::addon
