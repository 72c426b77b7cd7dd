import { serveWorker } from "@timestep-ai/timestep/http";
import { agents } from "../_agents.ts";

Deno.serve(serveWorker({ agents }));
