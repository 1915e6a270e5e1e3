// Runs every NAME.onnx of a folder with onnxruntime: inputs from NAME.in, outputs to NAME.out, errors to NAME.error.
// One tensor a line: name, dtype, sizes joined by commas ("-" for none), numbers joined by commas.
// node run.js FOLDER, with NODE_PATH at the folder that holds onnxruntime-node.
const fs = require('fs'), path = require('path'), ort = require('onnxruntime-node');

const kinds = {float32: Float32Array, float64: Float64Array, int64: BigInt64Array, bool: Uint8Array};

function read(line) {
  const [name, dtype, sizes, numbers] = line.split(' ');
  const list = numbers ? numbers.split(',') : [];
  const data = kinds[dtype].from(list, dtype === 'int64' ? BigInt : Number);
  return [name, new ort.Tensor(dtype, data, sizes === '-' ? [] : sizes.split(',').map(Number))];
}

async function main(folder) {
  for (const file of fs.readdirSync(folder).filter((f) => f.endsWith('.onnx')).sort()) {
    const base = path.join(folder, file.slice(0, -5));
    try {
      const session = await ort.InferenceSession.create(base + '.onnx', {logSeverityLevel: 3});
      const feeds = Object.fromEntries(fs.readFileSync(base + '.in', 'utf8').trim().split('\n').map(read));
      const results = await session.run(feeds);
      const lines = session.outputNames.map((name) => {
        const t = results[name];
        return [name, t.type, t.dims.length ? t.dims.join(',') : '-', Array.from(t.data, String).join(',')].join(' ');
      });
      fs.writeFileSync(base + '.out', lines.join('\n') + '\n');
    } catch (e) {
      fs.writeFileSync(base + '.error', String(e));
    }
  }
}

main(process.argv[2]);
