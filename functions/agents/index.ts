import { serveAgents } from "@timestep-ai/timestep/http";
import { agents } from "../_agents.ts";

Deno.serve(serveAgents({ agents }));
