// node client.js <host:port> <folder with PEM files> <scenario>: exits with 0 if the server did as it should.
'use strict';
const assert = require('node:assert/strict');
const { grpc, echo, health, reflection, pem } = require('./common');

const [address, folder, scenario] = process.argv.slice(2);
const options = { 'grpc.ssl_target_name_override': 'localhost' };
const credentials = (name) => grpc.credentials.createSsl(pem(folder, 'authority.pem'), pem(folder, `${name}.key.pem`), pem(folder, `${name}.pem`));
const open = (Client, name = 'client') => new Client(address, credentials(name), options);

const unary = (client, method, request, metadata = new grpc.Metadata(), callOptions = {}) => new Promise((resolve) => {
  const result = {};
  const call = client[method](request, metadata, callOptions, (error, response) => { result.error = error; result.response = response; });
  call.on('metadata', (headers) => { result.headers = headers; });
  call.on('status', (status) => resolve({ ...result, status }));
});

// All messages of a stream and how it ended.
const drain = (call, onData = () => {}) => new Promise((resolve) => {
  const messages = [];
  call.on('data', (message) => { messages.push(message); onData(message); });
  call.on('error', () => {});
  call.on('status', (status) => resolve({ messages, status }));
});

const scenarios = {
  async unary() {
    const client = open(echo.EchoService);
    const { response, status } = await unary(client, 'Say', { text: 'hällo', data: Buffer.alloc(100000, 7) });
    assert.equal(status.code, grpc.status.OK);
    assert.equal(response.text, 'hällo');
    assert.equal(response.data.length, 100000);
  },

  async serverStream() {
    const client = open(echo.EchoService);
    const { messages, status } = await drain(client.Repeat({ data: Buffer.alloc(65536, 1), times: 500 }));
    assert.equal(status.code, grpc.status.OK);
    assert.equal(messages.length, 500);
    messages.forEach((message, i) => assert.equal(message.text, `${i}`));
  },

  async clientStream() {
    const client = open(echo.EchoService);
    const response = await new Promise((resolve, reject) => {
      const call = client.Join((error, message) => (error ? reject(error) : resolve(message)));
      for (const text of ['a', 'b', 'c']) call.write({ text });
      call.end();
    });
    assert.equal(response.text, 'abc');
  },

  async duplex() {
    const client = open(echo.EchoService);
    const call = client.Chat();
    let sent = 0;
    const next = () => (sent < 10 ? call.write({ text: `${sent++}` }) : call.end());
    const done = drain(call, next);
    next();
    const { messages, status } = await done;
    assert.equal(status.code, grpc.status.OK);
    assert.deepEqual(messages.map((message) => message.text), ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
  },

  async metadata() {
    const metadata = new grpc.Metadata();
    metadata.set('name', 'value');
    metadata.set('raw-bin', Buffer.from([0, 255, 1]));
    const { headers, status } = await unary(open(echo.EchoService), 'Say', { text: 'headers' }, metadata);
    assert.equal(headers.get('name')[0], 'value');
    assert.deepEqual(headers.get('raw-bin')[0], Buffer.from([0, 255, 1]));
    assert.equal(status.metadata.get('last')[0], 'yes');
    assert.deepEqual(status.metadata.get('last-bin')[0], Buffer.from([1, 2]));
  },

  async failure() {
    const { error, status } = await unary(open(echo.EchoService), 'Say', { text: 'fail' });
    assert.equal(error.code, grpc.status.FAILED_PRECONDITION);
    assert.equal(error.details, '50 % größer');
    assert.deepEqual(status.metadata.get('grpc-status-details-bin')[0], Buffer.from([8, 9]));
  },

  async cancel() {
    const call = open(echo.EchoService).Repeat({ data: Buffer.alloc(1000), times: -1 });
    const { messages, status } = await drain(call, () => call.cancel());
    assert.ok(messages.length > 0);
    assert.equal(status.code, grpc.status.CANCELLED);
  },

  async deadline() {
    const client = open(echo.EchoService);
    await unary(client, 'Say', { text: 'hello' }); // the connection is there
    const { error } = await unary(client, 'Say', { text: 'wait' }, undefined, { deadline: Date.now() + 2000 });
    assert.equal(error.code, grpc.status.DEADLINE_EXCEEDED);
  },

  async tooLarge() {
    const { error } = await unary(open(echo.EchoService), 'Say', { data: Buffer.alloc(5 * 1024 * 1024) });
    assert.equal(error.code, grpc.status.RESOURCE_EXHAUSTED);
  },

  async wrongCertificate() {
    const { error } = await unary(open(echo.EchoService, 'stranger'), 'Say', { text: 'let me in' }, undefined, { deadline: Date.now() + 10000 });
    assert.equal(error.code, grpc.status.UNAVAILABLE);
  },

  async unknownMethod() {
    const client = open(grpc.makeGenericClientConstructor({}, 'x'));
    const identity = (value) => value;
    const error = await new Promise((resolve) => client.makeUnaryRequest('/no.such.Service/Say', identity, identity, Buffer.alloc(0), resolve));
    assert.equal(error.code, grpc.status.UNIMPLEMENTED);
  },

  async health() {
    const client = open(health.Health);
    assert.equal((await unary(client, 'Check', { service: '' })).response.status, 'SERVING');
    assert.equal((await unary(client, 'Check', { service: 'no' })).error.code, grpc.status.NOT_FOUND);
    const watch = client.Watch({ service: 'no' });
    const { messages } = await drain(watch, () => watch.cancel());
    assert.equal(messages[0].status, 'SERVICE_UNKNOWN');
  },

  async reflection() {
    const call = open(reflection.ServerReflection).ServerReflectionInfo();
    const done = drain(call);
    call.write({ list_services: '' });
    call.write({ file_containing_symbol: 'runner.tests.echo.EchoService' });
    call.write({ file_containing_symbol: 'no.such.Symbol' });
    call.end();
    const { messages, status } = await done;
    assert.equal(status.code, grpc.status.OK);
    assert.ok(messages[0].list_services_response.service.some((service) => service.name === 'runner.tests.echo.EchoService'));
    const protobuf = require('protobufjs/ext/descriptor');
    assert.equal(protobuf.FileDescriptorProto.decode(messages[1].file_descriptor_response.file_descriptor_proto[0]).name, 'Grpc/echo.proto');
    assert.equal(messages[2].error_response.error_code, grpc.status.NOT_FOUND);
  },
};

scenarios[scenario]().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
