import type { Model, ModelProvider } from "@openai/agents";
import { usageName } from "../../agents/model_usage.ts";
import { ModelStep } from "../model_step.ts";
import { recordingScope } from "../scope.ts";
import { KeptCopies } from "./kept_copies.ts";
import { replaceMethod } from "./replace_method.ts";

/** Makes the calls of a model steps of the durable run that they are made in. */
export function instrumentModel(model: Model): void {
  replaceMethod(model, "getResponse", (original) =>
    async function (this: Model, request) {
      const scope = recordingScope();
      if (!scope) return await original.call(this, request);
      KeptCopies.endPreparation(scope);
      return await new ModelStep(scope, modelName(model), request).respond(() =>
        original.call(this, request)
      );
    });
  replaceMethod(model, "getStreamedResponse", (original) =>
    function (this: Model, request) {
      const scope = recordingScope();
      if (!scope) return original.call(this, request);
      KeptCopies.endPreparation(scope);
      return new ModelStep(scope, modelName(model), request).stream(() => original.call(this, request));
    });
}

/** Makes the calls of the models of a provider steps of the durable run that they are made in. */
export function instrumentModelProvider(provider: ModelProvider): void {
  replaceMethod(provider, "getModel", (original) =>
    async function (this: ModelProvider, modelName) {
      const model = await original.call(this, modelName);
      if (recordingScope()) {
        names.set(model, usageName(modelName));
        instrumentModel(model);
      }
      return model;
    });
}

/** The names by which providers were asked for models. */
const names = new WeakMap<Model, string>();

/** What a model is called; models do not know it themselves. */
function modelName(model: Model): string {
  return names.get(model) ?? usageName(model);
}
