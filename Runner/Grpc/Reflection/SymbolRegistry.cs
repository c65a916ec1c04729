using Google.Protobuf.Reflection;

namespace Grpc.Reflection;

/// <summary>Finds the proto file that declares something, among some files and all they import.</summary>
internal sealed class SymbolRegistry
{
    private readonly Dictionary<string, FileDescriptor> _files = [];
    private readonly Dictionary<string, FileDescriptor> _symbols = [];
    private readonly Dictionary<string, SortedDictionary<int, FileDescriptor>> _extensions = [];

    private SymbolRegistry()
    {
    }

    public static SymbolRegistry FromFiles(IEnumerable<FileDescriptor> fileDescriptors)
    {
        var registry = new SymbolRegistry();
        foreach (var file in fileDescriptors) registry.Add(file);
        return registry;
    }

    public FileDescriptor? FileByName(string filename) => _files.GetValueOrDefault(filename);

    public FileDescriptor? FileContainingSymbol(string symbol) => _symbols.GetValueOrDefault(symbol);

    public FileDescriptor? FileContainingExtension(string type, int number) => _extensions.GetValueOrDefault(type)?.GetValueOrDefault(number);

    /// <summary>In ascending order; null if the type is unknown.</summary>
    public IEnumerable<int>? ExtensionNumbers(string type) =>
        _extensions.TryGetValue(type, out var extensions) ? extensions.Keys
        : IsMessage(type) ? []
        : null;

    private bool IsMessage(string symbol) => _symbols.TryGetValue(symbol, out var file) && file.MessageTypes.SelectMany(WithNested).Any(message => message.FullName == symbol);

    private static IEnumerable<MessageDescriptor> WithNested(MessageDescriptor message) => message.NestedTypes.SelectMany(WithNested).Prepend(message);

    private void Add(FileDescriptor file)
    {
        if (!_files.TryAdd(file.Name, file)) return;
        foreach (var dependency in file.Dependencies) Add(dependency);
        foreach (var type in file.EnumTypes) Declare(type);
        foreach (var message in file.MessageTypes.SelectMany(WithNested))
        {
            Declare(message);
            foreach (var type in message.EnumTypes) Declare(type);
            Extend(message.Extensions, file);
        }

        foreach (var service in file.Services)
        {
            Declare(service);
            foreach (var method in service.Methods) Declare(method);
        }

        Extend(file.Extensions, file);
    }

    private void Declare(IDescriptor descriptor) => _symbols[descriptor.FullName] = descriptor.File;

    private void Extend(ExtensionCollection extensions, FileDescriptor file)
    {
        foreach (var field in extensions.UnorderedExtensions)
        {
            if (!_extensions.TryGetValue(field.ExtendeeType.FullName, out var numbers)) _extensions[field.ExtendeeType.FullName] = numbers = [];
            numbers[field.FieldNumber] = file;
            _symbols[field.FullName] = file;
        }
    }
}
