/** @file XOR: four points that no line can part, and the hidden layer that parts them. */
import { nn, noGrad, optim, tensor } from "@tacit/core";
import { plot } from "@tacit/plot";

// The output is 1 where exactly one of two inputs is 1.
const x = tensor([
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
]);
const y = tensor([[0], [1], [1], [0]]);
const steps = Number(process.env.EXAMPLE_STEPS ?? 400);

async function learn(model: nn.Layer): Promise<{ loss: number; right: number }> {
  const opt = optim.adam(model, { lr: 0.1 });
  for (let step = 0; step < steps; step++) await opt.step(nn.bceWithLogits(model(x), y));
  const [loss, right] = noGrad(() => [nn.bceWithLogits(model(x), y), model(x).gt(0).eq(y.bool()).int().sum()] as const);
  return { loss: await loss.item(), right: await right.item() };
}

// A line says yes where w1·a + w2·b + c > 0. XOR asks of it
//     c < 0,   w2 + c > 0,   w1 + c > 0,   w1 + w2 + c < 0.
// The second and third add up to w1 + w2 + 2c > 0, the first and last to w1 + w2 + 2c < 0. So there is none, however long it learns:
// the best it can do is to say ½ everywhere, with a loss of ln 2 = 0.693.
const line = await learn(nn.linear(2, 1));
console.log(`a line:           loss ${line.loss.toFixed(3)}, ${line.right} of 4 right`);

// Eight lines, each bent by tanh, and a last layer that weighs them: now the region of yes may be a band.
const network = nn.sequential(nn.linear(2, 8), nn.tanh(), nn.linear(8, 1));
const bent = await learn(network);
console.log(`a hidden layer:   loss ${bent.loss.toFixed(3)}, ${bent.right} of 4 right`);

// What it says between the four points it has seen: the corners of the map are the four cases.
const SIDE = 12;
const at = (i: number): number => i / (SIDE - 1);
const grid = Array.from({ length: SIDE }, (_, row) => Array.from({ length: SIDE }, (_, column) => [at(column), at(row)]));
const map = noGrad(() => network(tensor(grid)).sigmoid().squeeze(2));
console.log(await plot.heatmap(map, { title: "probability of 1", x: "a", y: "b", range: [0, 1], numbers: false }));

if (bent.right !== 4 || bent.loss > 0.1) throw new Error("expected the network to learn XOR");
if (line.right === 4 || line.loss < 0.69) throw new Error("expected a line to fail");
