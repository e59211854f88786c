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
      held_.hold(info.Env(), std::make_unique<Inference>(networkGraph(options.field("graph")),
                                                         options.field("batch").count(1, 65536),
                                                         networkBackend(options)));
      thread_ = std::make_unique<JobThread>();
    });
  }

  void Finalize(Napi::Env env) override { release(env); }

  void load(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] {
      held_.open().load(Argument(info[0], "parameter").text(), Argument(info[1], "values").floats());
    });
  }

  Napi::Value run(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      Inference& inference = held_.open();
      const Argument images(info[0], "images"), outputs(info[1], "outputs");
      const auto from = images.floats(inference.batch() * inference.inputSize());
      const auto to = outputs.floats(inference.batch() * inference.outputSize());
      return Job::start(
          info.Env(), &held_.occupancy, {info.This().As<Napi::Object>(), images.object(), outputs.object()},
          [&inference, from, to](const std::atomic<bool>&) { inference.run(from, to); },
          [this](Napi::Env env) {
            held_.report(env);
            return env.Undefined();
          },
          thread_.get());
    });
  }

  Napi::Value bytes(const Napi::CallbackInfo& info) {
    return guarded(info.Env(),
                   [&] { return Napi::Number::New(info.Env(), static_cast<double>(held_.open().bytes())); });
  }

  void dispose(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] {
      held_.occupancy.require();
      release(info.Env());
    });
  }

 private:
  void release(Napi::Env env) {
    thread_.reset();
    held_.release(env);
  }

  Held<Inference> held_{"inference"};
  std::unique_ptr<JobThread> thread_;
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
