/** @file What a person must approve. */
export { type Plan, type PlanEntry, type PlannedProgram, plan, showPlan, showSource } from "./plan.ts";
