import { damageSuite } from "./damage_suite.ts";
import { storeSuite } from "./store_suite.ts";
import { fileTarget } from "./store_target.ts";

storeSuite(fileTarget);
damageSuite(fileTarget);
