using System.Runtime.CompilerServices;

namespace Runner.Tests.Support;

/// <summary>Some tests hold up a thread of the pool each; those that run beside them are not to wait for the pool to grow, which it does slowly.</summary>
static class PoolThreads
{
    [ModuleInitializer]
    internal static void Raise() => ThreadPool.SetMinThreads(64, 64);
}
