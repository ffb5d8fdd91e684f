/** @file Error codes of differential privacy. */
import type { Entries } from "./entry.ts";

export const PRIVACY: Entries = {
  PRIVACY_AUDIT: {
    means: "An audit measured more than --fail-above allows: the model, the update or the build gives away too much.",
    fix: "Train with DP-SGD, or with more noise; read the report. Nothing is wrong with the audit itself: it ran to its end and wrote its report first.",
    example: "audit exposure: expected at most 3 bits (by sampling), got 9.97",
    exit: 3,
  },
  PRIVACY_AUDIT_DATA: {
    means:
      "What an audit was given cannot carry its claim: too few scores, some that are not finite, sizes that do not fit, keys that are not read, coins that were not fair, a threshold that so few scores cannot exceed.",
    fix: "Export what the message names; 0.1 % of false positives takes 1000 non-members at least, and 4380 for --fail-above.",
    example: "roc: expected at least 1000 non-members for a false-positive rate of 0.001, got 999",
  },
  PRIVACY_BUDGET: {
    means: "A release would cost more than what is left of its data set's budget; nothing was released and nothing spent.",
    fix: "Do as the hint says (budget.after says the cost before): ask for less, or with more noise, where that helps. A spent budget does not come back.",
    example: "budget: expected at most ε 2 of visits per person, got 2.049 with this release",
    exit: 3,
  },
  PRIVACY_COLUMN: {
    means:
      "A query names a column that the table does not have, or one of a kind that the query cannot use; or a table has no data for a column.",
    fix: "Declare the column when the table is made: number, integer, boolean or category; keys that are not public are for unknownKeys.",
    example: "histogram: expected a column of kind number or boolean or category, got doctor, of kind text",
  },
  PRIVACY_CONTRIBUTIONS: {
    means: "The data are not what was promised about them: a unit has more rows, or there are more or fewer units than stated.",
    fix: "State what is true, let excess leave rows out, or use add-remove neighbours, where no number of units is promised.",
    example: "table: expected at most 3 rows of each person, got more",
  },
  PRIVACY_GRID: {
    means: "The privacy losses of a composition do not fit the grid on which they are added up.",
    fix: "Use the RDP accountant; in a training, more noise.",
    example: "compose: expected losses that fit 8388608 points of 1e-9, got a wider sum",
  },
  PRIVACY_LAYER: {
    means: "A model has a layer that looks at more than one row of a batch, or keeps statistics of the rows that it saw.",
    fix: "Use the layer that the hint names: it treats each row by itself.",
    example: "makePrivate: expected layers that see one row each, got batchNorm2d at 1",
  },
  PRIVACY_LEDGER: {
    means:
      "A budget's file is no ledger, has other terms, is held by another process for too long, or cannot be written; or the budget was closed.",
    fix: "Open it with the terms that it was made with; see the file and its disk. Nothing was released.",
    example: "budget: expected epsilon 1, as the terms in visits.sqlite have it, got 2",
  },
  PRIVACY_LEDGER_EXISTS: {
    means: "A budget was to be created where one stands. Nothing was changed.",
    fix: "Open it, with the terms that it was made with; another promise about the data takes another path, and adds to the first.",
    example: "budget: expected no budget at visits.sqlite, got one",
  },
  PRIVACY_LEDGER_MISSING: {
    means:
      "A budget was to be opened at a path that holds none: no file, or one of which the creation did not end. Nothing was made.",
    fix: "See that the path is the one that the budget was created at; create it if there never was one.",
    example: "budget: expected a budget at visits.sqlite, got none",
  },
  PRIVACY_MIXED: {
    means:
      "A row's part would depend on other rows: a loss reads what is neither its row, nor the model's, nor public; a data set's map mixes the rows of a batch or draws anew at each reading; lazy columns on shares mix rows before they are clipped.",
    fix: "Treat each row by itself (random transforms: context.random in data.mapExamples); make tensors without private data public. On shares, await column.realize() first: what was computed before is taken as rows, each one person's.",
    example:
      "makePrivate: expected a loss that reads its row, the model and public tensors, got one that reads a tensor [100,10] besides",
  },
  PRIVACY_NEIGHBOURS: {
    means: "Events for different neighbouring relations were added up, or a relation is used where its theorem does not hold.",
    fix: "Account for one relation: add-remove (DP-SGD with Poisson samples), or replace-one without sampling (DP-FTRL in passes).",
    example: "account: expected one neighbouring relation, got both",
  },
  PRIVACY_PARAMETER: {
    means:
      "A parameter of a mechanism, an accountant, a query or a budget cannot be one, or an option has no such name: a guarantee would mean nothing.",
    fix: "Use a value of the range that the message names.",
    example: "epsilonOf: expected delta between 0 and 1, both excluded, got NaN",
  },
  PRIVACY_QUERY: {
    means:
      "An answer failed after its budget was charged. Why is not said, as it might say something about the data. What was charged stays.",
    fix: "Report it: no query of the product should do this, whatever the data are.",
    example: "query: expected an answer once its budget was charged, got a failure",
  },
  PRIVACY_RESERVATION: {
    means: "A reservation of a budget was spent or cancelled twice.",
    fix: "Reserve anew.",
    example: "reservation: expected one that is open, got one that is spent",
  },
  PRIVACY_SAMPLING: {
    means: "Rows would not be chosen as the accountant assumes.",
    fix: "Give the data set itself; a loader's batches are no Poisson sample. An event's sampling is all or poisson.",
    example: "makePrivate: expected a data set, got DataLoader",
  },
  PRIVACY_UNACCOUNTED: {
    means: "An accountant has no theorem for one of the events.",
    fix: "Use the accountant that the hint names.",
    example: "zcdp: expected events on all rows, got one on a sample",
  },
  PRIVACY_UNBOUNDED: {
    means: "A column has no bounds, or nothing says how many rows of one unit count: no noise would be enough.",
    fix: "Declare bounds from public knowledge, not from the data (values outside are moved to them), and how many rows of a unit count.",
    example: "number: expected two finite bounds, the lower one first, got none",
  },
};
