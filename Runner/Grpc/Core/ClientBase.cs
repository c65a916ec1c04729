namespace Grpc.Core;

/// <summary>A way to a server that stubs can be made on.</summary>
internal abstract class ChannelBase(string target)
{
    public string Target { get; } = target;

    public abstract CallInvoker CreateCallInvoker();

    public Task ShutdownAsync() => ShutdownAsyncCore();

    protected virtual Task ShutdownAsyncCore() => Task.CompletedTask;
}

/// <summary>What every generated client stands on.</summary>
internal abstract class ClientBase
{
    private readonly CallInvoker? _callInvoker;

    protected ClientBase()
    {
    }

    protected ClientBase(ClientBaseConfiguration configuration) => _callInvoker = configuration.CallInvoker;

    protected ClientBase(ChannelBase channel) => _callInvoker = channel.CreateCallInvoker();

    protected ClientBase(CallInvoker callInvoker) => _callInvoker = callInvoker;

    /// <summary>What the stubs call.</summary>
    protected StubInvoker CallInvoker => new(_callInvoker ?? throw new NotImplementedException("This client was made without a channel."));

    /// <summary>Opaque to the stubs that hand it on.</summary>
    protected internal sealed class ClientBaseConfiguration(CallInvoker callInvoker)
    {
        internal CallInvoker CallInvoker { get; } = callInvoker;
    }
}

/// <summary>What every generated client of type <typeparamref name="T"/> stands on.</summary>
internal abstract class ClientBase<T> : ClientBase
    where T : ClientBase<T>
{
    protected ClientBase()
    {
    }

    protected ClientBase(ClientBaseConfiguration configuration)
        : base(configuration)
    {
    }

    protected ClientBase(ChannelBase channel)
        : base(channel)
    {
    }

    protected ClientBase(CallInvoker callInvoker)
        : base(callInvoker)
    {
    }

    protected abstract T NewInstance(ClientBaseConfiguration configuration);
}
