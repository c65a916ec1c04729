'use strict';
const fs = require('node:fs');
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const root = path.join(__dirname, '..', '..');

// keepCase: the names stay as the proto has them.
function load(file, folder) {
  return grpc.loadPackageDefinition(
    loader.loadSync(file, { keepCase: true, longs: Number, enums: String, includeDirs: [path.join(root, folder)] }));
}

exports.grpc = grpc;
exports.echo = load('Grpc/echo.proto', 'Runner.Tests').runner.tests.echo;
exports.health = load('grpc/health/v1/health.proto', 'proto').grpc.health.v1;
exports.reflection = load('grpc/reflection/v1/reflection.proto', 'proto').grpc.reflection.v1;
exports.pem = (folder, name) => fs.readFileSync(path.join(folder, name));
