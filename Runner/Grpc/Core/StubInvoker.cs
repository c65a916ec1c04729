using Grpc.Net.Client;

namespace Grpc.Core;

/// <summary>
/// The invoker as generated stubs see it. A generic method that is found by virtual dispatch is put together at run time under
/// native AOT, 0.4 ms for each call's types; so the invoker that there mostly is gets called directly.
/// </summary>
internal readonly struct StubInvoker(CallInvoker invoker)
{
    public TResponse BlockingUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
        where TRequest : class
        where TResponse : class =>
        invoker is HttpCallInvoker http ? http.BlockingUnaryCall(method, host, options, request) : invoker.BlockingUnaryCall(method, host, options, request);

    public AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
        where TRequest : class
        where TResponse : class =>
        invoker is HttpCallInvoker http ? http.AsyncUnaryCall(method, host, options, request) : invoker.AsyncUnaryCall(method, host, options, request);

    public AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
        where TRequest : class
        where TResponse : class =>
        invoker is HttpCallInvoker http ? http.AsyncServerStreamingCall(method, host, options, request) : invoker.AsyncServerStreamingCall(method, host, options, request);

    public AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options)
        where TRequest : class
        where TResponse : class =>
        invoker is HttpCallInvoker http ? http.AsyncClientStreamingCall(method, host, options) : invoker.AsyncClientStreamingCall(method, host, options);

    public AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options)
        where TRequest : class
        where TResponse : class =>
        invoker is HttpCallInvoker http ? http.AsyncDuplexStreamingCall(method, host, options) : invoker.AsyncDuplexStreamingCall(method, host, options);
}
